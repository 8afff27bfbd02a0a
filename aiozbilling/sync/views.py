"""The views of the ledger: typed, rounded as documented, and without the rows that the provider removed."""

from __future__ import annotations

__all__ = ["VIEWS"]

# Numbers are REAL: exact to 15 digits, of any size. A month is closed by the rule of `aiozbilling.statement`.
VIEWS = {
    "v_top_ups": """
SELECT account, id, day, created_at, status = 1 AS is_credited, token_amount AS tokens, token, credit_usd AS usd,
       credit_usd, round(credit_usd, 2) AS usd_cents, sender, recipient, cosmos_tx_hash, evm_tx_hash,
       first_seen_at, changed_at
FROM top_ups WHERE missing_since IS NULL""",
    "v_history": """
SELECT account, day, CAST(total_storage_bytes AS REAL) / 1e9 AS storage_gb,
       CAST(total_bandwidth_bytes AS REAL) / 1e9 AS bandwidth_gb, total_amount_usd AS usd, first_seen_at, changed_at
FROM history WHERE missing_since IS NULL""",
    "v_spend_month": """
WITH spend AS (
  SELECT account, substr(day, 1, 7) AS month, total(total_amount_usd) AS total, count(*) AS days
  FROM history WHERE missing_since IS NULL GROUP BY account, substr(day, 1, 7)
), last_day AS (
  SELECT account, max(day) AS day FROM history WHERE missing_since IS NULL GROUP BY account
), snapshot AS (
  SELECT account, substr(day, 1, 7) AS month, max(day) AS day, storage_cost_usd AS storage,
         bandwidth_cost_usd AS bandwidth
  FROM months WHERE missing_since IS NULL GROUP BY account, substr(day, 1, 7)
)
SELECT spend.account, spend.month, round(spend.total, 9) AS total, round(snapshot.storage, 9) AS storage,
       round(snapshot.bandwidth, 9) AS bandwidth,
       round(spend.total - coalesce(snapshot.storage, 0) - coalesce(snapshot.bandwidth, 0), 9) + 0.0 AS not_split,
       spend.days,
       substr(last_day.day, 1, 7) > spend.month
         OR coalesce(accounts.aioz_read_at >= date(spend.month || '-01', '+1 month', '+3 days'), 0) AS is_closed
FROM spend
JOIN last_day ON last_day.account = spend.account
JOIN accounts ON accounts.account = spend.account
LEFT JOIN snapshot ON snapshot.account = spend.account AND snapshot.month = spend.month""",
    "v_balance_daily": """
WITH moves AS (
  SELECT account, day, credit_usd AS credited, 0.0 AS spent FROM top_ups
  WHERE status = 1 AND day IS NOT NULL AND missing_since IS NULL
  UNION ALL
  SELECT account, day, 0.0, total_amount_usd FROM history WHERE missing_since IS NULL
), days AS (
  SELECT account, day, total(credited) AS credited, total(spent) AS spent FROM moves GROUP BY account, day
), balances AS (
  SELECT account, day, credited, spent, sum(credited - spent) OVER (PARTITION BY account ORDER BY day) AS closing
  FROM days
)
SELECT account, day, round(closing - credited + spent, 9) AS opening, round(credited, 9) AS credited,
       round(spent, 9) AS spent, round(closing, 9) AS closing
FROM balances""",
    "v_data_quality": """
WITH quality AS (
  SELECT account, 'top_ups' AS list, NULL AS gaps, sum(status = 0 AND missing_since IS NULL) AS uncredited,
         sum(missing_since IS NOT NULL) AS missing, sum(missing_since IS NULL) AS stored,
         sum(typeof(event_index) = 'text' OR typeof(block_number) = 'text') AS misfits
  FROM top_ups GROUP BY account
  UNION ALL
  SELECT account, 'history', CAST(julianday(max(day)) - julianday(min(day)) + 1 - count(DISTINCT day) AS INTEGER), NULL,
         sum(missing_since IS NOT NULL), sum(missing_since IS NULL),
         sum(typeof(total_storage_bytes) = 'text' OR typeof(total_bandwidth_bytes) = 'text')
  FROM history GROUP BY account
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
    WHERE accounts.account <> mine.account)
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
