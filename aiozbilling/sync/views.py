"""The views of the ledger: typed, rounded as documented, and without the rows that the provider removed."""

from __future__ import annotations

__all__ = ["UNFINISHED_READING", "VIEWS", "view_sql"]

# A condition on rows of the table runs: the run read lists of AIOZ and is not complete. It is not recorded how much a
# killed run read.
UNFINISHED_READING = """result NOT IN ('complete', 'migrated') AND (result IN ('running', 'interrupted') OR EXISTS (
    SELECT 1 FROM run_lists WHERE run_lists.run = runs.run AND list IN ('top_ups', 'history') AND rows_read > 0))"""

# Numbers are REAL: exact to 15 digits, of any size. A month is closed by the rule of `aiozbilling.statement`.
# DuckDB runs the text of a view of an attached ledger itself, so all but v_data_quality are SQL that both know: no
# total() and no date() with modifiers, DOUBLE and not REAL (32 bits there), and days are cast to TEXT before substr().
VIEWS = {
    "v_top_ups": """
SELECT account, id, day, created_at, status = 1 AS is_credited, token_amount AS tokens, token, credit_usd AS usd,
       credit_usd, round(credit_usd, 2) AS usd_cents, sender, recipient, cosmos_tx_hash, evm_tx_hash,
       first_seen_at, changed_at
FROM top_ups WHERE missing_since IS NULL""",
    "v_history": """
SELECT account, day, CAST(CAST(total_storage_bytes AS TEXT) AS DOUBLE) / 1e9 AS storage_gb,
       CAST(CAST(total_bandwidth_bytes AS TEXT) AS DOUBLE) / 1e9 AS bandwidth_gb, total_amount_usd AS usd,
       first_seen_at, changed_at
FROM history WHERE missing_since IS NULL""",
    "v_spend_month": """
WITH spend AS (
  SELECT account, substr(CAST(day AS TEXT), 1, 7) AS month, coalesce(sum(total_amount_usd), 0.0) AS total,
         count(*) AS days
  FROM history WHERE missing_since IS NULL GROUP BY account, substr(CAST(day AS TEXT), 1, 7)
), readings AS (
  SELECT account, aioz_read_at AS read_at FROM accounts
  UNION ALL
  SELECT account, started_at FROM runs WHERE """  # noqa: S608
    + UNFINISHED_READING
    + """
), last_reading AS (
  SELECT account, max(substr(read_at, 1, 10)) AS day FROM readings GROUP BY account
), last_month AS (
  SELECT history.account, max(substr(CAST(history.day AS TEXT), 1, 7)) AS month
  FROM history JOIN last_reading ON last_reading.account = history.account
  WHERE missing_since IS NULL AND (last_reading.day IS NULL OR CAST(history.day AS TEXT) <= last_reading.day)
  GROUP BY history.account
), snapshots AS (
  SELECT account, substr(CAST(day AS TEXT), 1, 7) AS month, storage_cost_usd AS storage,
         bandwidth_cost_usd AS bandwidth,
         row_number() OVER (PARTITION BY account, substr(CAST(day AS TEXT), 1, 7) ORDER BY day DESC) AS number
  FROM months WHERE missing_since IS NULL
), settled AS (
  SELECT account, month,
         CASE WHEN month = '9999-12' THEN '9999-99'
              WHEN substr(month, 6, 2) = '12' THEN printf('%04d-01-04', CAST(substr(month, 1, 4) AS INTEGER) + 1)
              ELSE printf('%s-%02d-04', substr(month, 1, 4), CAST(substr(month, 6, 2) AS INTEGER) + 1)
         END AS after
  FROM spend
)
SELECT spend.account, spend.month, round(spend.total, 9) AS total, round(snapshots.storage, 9) AS storage,
       round(snapshots.bandwidth, 9) AS bandwidth,
       round(spend.total - coalesce(snapshots.storage, 0) - coalesce(snapshots.bandwidth, 0), 9) + 0.0 AS not_split,
       spend.days,
       CASE WHEN last_month.month > spend.month OR accounts.aioz_read_at >= settled.after THEN 1 ELSE 0 END AS is_closed
FROM spend
LEFT JOIN last_month ON last_month.account = spend.account
JOIN settled ON settled.account = spend.account AND settled.month = spend.month
JOIN accounts ON accounts.account = spend.account
LEFT JOIN snapshots
  ON snapshots.account = spend.account AND snapshots.month = spend.month AND snapshots.number = 1""",
    "v_balance_daily": """
WITH moves AS (
  SELECT account, day, credit_usd AS credited, 0.0 AS spent FROM top_ups
  WHERE status = 1 AND day IS NOT NULL AND missing_since IS NULL
  UNION ALL
  SELECT account, day, 0.0, total_amount_usd FROM history WHERE missing_since IS NULL
), days AS (
  SELECT account, day, coalesce(sum(credited), 0.0) AS credited, coalesce(sum(spent), 0.0) AS spent
  FROM moves GROUP BY account, day
), without_day AS (
  SELECT account, coalesce(sum(credit_usd), 0.0) AS credited FROM top_ups
  WHERE status = 1 AND day IS NULL AND missing_since IS NULL GROUP BY account
), balances AS (
  SELECT days.account, day, days.credited, spent, coalesce(without_day.credited, 0.0)
         + sum(days.credited - spent) OVER (PARTITION BY days.account ORDER BY day) AS closing
  FROM days LEFT JOIN without_day ON without_day.account = days.account
)
SELECT account, day, round(closing - credited + spent, 9) AS opening, round(credited, 9) AS credited,
       round(spent, 9) AS spent, round(closing, 9) AS closing
FROM balances""",
    "v_data_quality": """
WITH present_days AS (
  SELECT *, CASE WHEN missing_since IS NULL THEN day END AS present
  FROM history
), quality AS (
  SELECT account, 'top_ups' AS list, NULL AS gaps, sum(status = 0 AND missing_since IS NULL) AS uncredited,
         sum(missing_since IS NOT NULL) AS missing, sum(missing_since IS NULL) AS stored,
         sum(typeof(event_index) = 'text' OR typeof(block_number) = 'text') AS misfits
  FROM top_ups GROUP BY account
  UNION ALL
  SELECT account, 'history',
         CAST(coalesce(julianday(max(present)) - julianday(min(present)) + 1, 0) - count(DISTINCT present) AS INTEGER),
         NULL,
         sum(missing_since IS NOT NULL), sum(missing_since IS NULL),
         sum(typeof(total_storage_bytes) = 'text' OR typeof(total_bandwidth_bytes) = 'text')
  FROM present_days GROUP BY account
  UNION ALL
  SELECT account, 'months', CAST(julianday(max(day)) - julianday(min(day)) + 1 - count(*) AS INTEGER), NULL,
         sum(missing_since IS NOT NULL), sum(missing_since IS NULL),
         sum(typeof(total_storage_bytes) = 'text' OR typeof(storage_usage_bytes) = 'text'
             OR typeof(bandwidth_usage_bytes) = 'text')
  FROM months GROUP BY account
), repeated AS (
  SELECT mine.account, 'top_ups' AS list, count(*) AS duplicates FROM top_ups AS mine
  WHERE EXISTS (
    SELECT 1 FROM accounts CROSS JOIN top_ups AS other ON other.account = accounts.account AND other.id = mine.id
    WHERE accounts.account <> mine.account
      AND other.created_at IS mine.created_at AND other.denom = mine.denom AND other.amount = mine.amount)
  GROUP BY mine.account
  UNION ALL
  SELECT mine.account, 'history', count(*) FROM history AS mine
  WHERE mine.total_amount_usd > 0 AND EXISTS (
    SELECT 1 FROM accounts CROSS JOIN history AS other ON other.account = accounts.account AND other.date = mine.date
    WHERE accounts.account <> mine.account
      AND other.total_amount_attousd = mine.total_amount_attousd
      AND other.total_storage_bytes = mine.total_storage_bytes
      AND other.total_bandwidth_bytes = mine.total_bandwidth_bytes)
  GROUP BY mine.account
  UNION ALL
  SELECT mine.account, 'months', count(*) FROM months AS mine
  WHERE mine.total_cost_usd > 0 AND EXISTS (
    SELECT 1 FROM accounts CROSS JOIN months AS other ON other.account = accounts.account AND other.day = mine.day
    WHERE accounts.account <> mine.account
      AND other.storage_cost_attousd = mine.storage_cost_attousd
      AND other.bandwidth_cost_attousd = mine.bandwidth_cost_attousd
      AND other.storage_usage_bytes = mine.storage_usage_bytes)
  GROUP BY mine.account
)
SELECT quality.account, quality.list, quality.stored, lists.total AS counted, quality.gaps, quality.uncredited,
       quality.missing, quality.misfits, coalesce(repeated.duplicates, 0) AS duplicates
FROM quality
LEFT JOIN repeated ON repeated.account = quality.account AND repeated.list = quality.list
LEFT JOIN lists ON lists.account = quality.account AND lists.list = quality.list""",
}


def view_sql(name: str) -> str:
    """Return the statement that creates a view."""
    return f"CREATE VIEW {name} AS{VIEWS[name]}"
