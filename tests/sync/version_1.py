"""The tables of a ledger of version 1, as release 0.1 created them. Only some comments have other words now."""

SCHEMA_1 = """
CREATE TABLE accounts (
  account TEXT PRIMARY KEY,  -- label that was passed to sync
  synced_at TEXT             -- end of the latest complete sync, UTC
);

-- How much of each list is stored; used by sync only.
CREATE TABLE lists (
  account TEXT NOT NULL,
  list TEXT NOT NULL,              -- 'top_ups' or 'history'
  grows_at TEXT,                   -- 'head' or 'tail'
  total INTEGER NOT NULL,          -- the server's count of rows
  known TEXT NOT NULL,             -- JSON: keys of the list's first rows when it was last complete
  place TEXT,                      -- cursor after the list's last row at that time
  unfinished TEXT,                 -- cursor of a reading that was interrupted
  PRIMARY KEY (account, list)
);

-- Deposits of tokens, one row each; credited or corrected rows are updated in place.
CREATE TABLE top_ups (
  account TEXT NOT NULL,
  id TEXT NOT NULL,
  created_at TEXT,                 -- UTC
  updated_at TEXT,                 -- UTC
  status INTEGER,                  -- 0 or 1; so far 1 for credited deposits
  token_amount TEXT,               -- in whole tokens, exact
  token TEXT,                      -- 'AIOZ', or the denom if it is unknown
  credit_usd TEXT,                 -- value in USD, exact
  sender TEXT,
  recipient TEXT,
  cosmos_tx_hash TEXT,
  evm_tx_hash TEXT,
  event_index INTEGER,
  block_number INTEGER,
  amount TEXT,                     -- in units of denom, exact
  denom TEXT,                      -- 'attoaioz' is 10^-18 AIOZ
  total_amount_attousd TEXT,       -- USD * 10^18, exact
  credit_attousd TEXT,             -- the same amount; the provider's newer field
  PRIMARY KEY (account, id)
);
CREATE INDEX top_ups_by_time ON top_ups (account, created_at);

-- Usage by day; today's row is updated in place.
CREATE TABLE history (
  account TEXT NOT NULL,
  date TEXT NOT NULL,              -- the provider's timestamp of the day, UTC
  total_storage_bytes INTEGER,
  total_bandwidth_bytes INTEGER,
  total_amount_usd TEXT,           -- cost in USD, exact
  total_amount_attousd TEXT,       -- USD * 10^18, exact
  PRIMARY KEY (account, date)
);

-- The current month as it was at the last reading of each day.
CREATE TABLE months (
  account TEXT NOT NULL,
  day TEXT NOT NULL,               -- YYYY-MM-DD, UTC
  read_at TEXT NOT NULL,           -- UTC
  total_storage_bytes INTEGER,
  storage_usage_bytes INTEGER,
  bandwidth_usage_bytes INTEGER,
  storage_cost_usd TEXT,           -- exact
  bandwidth_cost_usd TEXT,         -- exact
  total_cost_usd TEXT,             -- both, exact
  storage_cost_attousd TEXT,       -- USD * 10^18, exact
  bandwidth_cost_attousd TEXT,     -- USD * 10^18, exact
  PRIMARY KEY (account, day)
);

-- Rounded numbers, for people and charts. For exact sums, use the exact texts in the tables.
CREATE VIEW v_top_ups AS
SELECT account, created_at, CAST(token_amount AS REAL) AS tokens, token, CAST(credit_usd AS REAL) AS usd,
       status = 1 AS credited, sender, cosmos_tx_hash, id
FROM top_ups;

CREATE VIEW v_history AS
SELECT account, substr(date, 1, 10) AS day, total_storage_bytes / 1e9 AS storage_gb,
       total_bandwidth_bytes / 1e9 AS bandwidth_gb, CAST(total_amount_usd AS REAL) AS usd
FROM history;

CREATE VIEW v_months AS
SELECT account, substr(day, 1, 7) AS month, max(day) AS day, storage_usage_bytes / 1e9 AS storage_gb,
       bandwidth_usage_bytes / 1e9 AS bandwidth_gb, CAST(storage_cost_usd AS REAL) AS storage_usd,
       CAST(bandwidth_cost_usd AS REAL) AS bandwidth_usd, CAST(total_cost_usd AS REAL) AS usd
FROM months GROUP BY account, substr(day, 1, 7);
"""
