"""Checks that the credentials belong to the account label, by their fingerprint or by stored rows."""

from __future__ import annotations

from collections.abc import Sequence

from aiozbilling.clients.aioz import AiozBilling
from aiozbilling.errors import ExportError
from aiozbilling.export.in_thread import in_thread
from aiozbilling.listing.listing import Begin
from aiozbilling.sync.layout import HISTORY, TOP_UPS, Cell, LedgerTable, Row, rows_of
from aiozbilling.sync.store import Ledger, System

__all__ = ["OTHER_LABEL", "UNPROVEN", "confirm_aioz", "is_known", "judge", "refused"]

_LAST = 100  # rows at the end of a list that are compared with stored ones
_DAYS = 3  # complete days with the same cost and usage prove that two histories are the same
OTHER_LABEL = "If this is another account, use another label for it (account=, --account)"
UNPROVEN = (
    "If it is the same account, sync once more with the old credentials {}. If they are gone, or this is another"
    " account, use a new label (account=, --account): everything is read again for it"
)


def is_known(ledger: Ledger, system: System, fingerprint: str) -> bool:
    """Return whether the ledger already has rows that were read with these credentials for its account.

    Raises:
        ExportError: the credentials belong to another account of the ledger.
    """
    accounts = ledger.accounts_with(system, fingerprint)
    if accounts and ledger.account not in accounts:
        raise refused(ledger, f"these credentials belong to account {accounts[0]!r}", "Use that label")
    return bool(accounts)


async def confirm_aioz(ledger: Ledger, billing: AiozBilling, fingerprint: str) -> None:
    """Make sure that the credentials belong to the account that is stored under the label.

    Raises:
        ExportError: they belong to another account, or no stored row proves which account it is.
    """
    if await in_thread(is_known, ledger, "aioz", fingerprint):
        return
    if not await in_thread(ledger.select, "SELECT 1 FROM top_ups UNION ALL SELECT 1 FROM history LIMIT 1"):
        return
    top_ups = await _ends(billing.top_ups, TOP_UPS)
    days = await _ends(billing.history_usage, HISTORY)
    await in_thread(judge, ledger, top_ups, days)


async def _ends(begin: Begin, table: LedgerTable) -> list[Row]:
    """Read the list's first page and its last rows."""
    page = await begin()
    records = list(page.items)
    if page.total > len(records):
        records += await begin(offset=max(0, page.total - _LAST)).collect()
    return rows_of(table, records)


def judge(ledger: Ledger, top_ups: Sequence[Row], days: Sequence[Row]) -> None:
    """Compare the first rows of both lists with the ledger.

    Raises:
        ExportError: the rows are stored under another label, or none of the label's own rows is among them.
    """
    for other in _owners(ledger, top_ups, days):
        if other != ledger.account:
            raise refused(ledger, f"this account is stored as {other!r}, with the same rows", "Use that label")
    stored = {
        table.name: ledger.select(f"SELECT count(*) FROM {table.name} WHERE account = ?", ledger.account)[0][0]  # noqa: S608
        for table in (TOP_UPS, HISTORY)
    }
    if stored["top_ups"]:
        if not _holders(ledger, top_ups) & {ledger.account}:
            raise refused(
                ledger,
                f"none of the {stored['top_ups']} top_ups that are stored as account {ledger.account!r} is in the"
                " server's list",
                OTHER_LABEL,
            )
    elif stored["history"] and not _same_history(ledger, ledger.account, days, least=_least(ledger)):
        if _same_history(ledger, ledger.account, days, least=0):
            raise refused(
                ledger,
                f"nothing proves that these new credentials are those of account {ledger.account!r}: it has no deposit,"
                " and no complete day with a cost that is the same",
                UNPROVEN.format("after a day with a cost has ended"),
            )
        raise refused(
            ledger,
            f"the server's daily costs are not those that are stored as account {ledger.account!r}",
            OTHER_LABEL,
        )


def _least(ledger: Ledger) -> int:
    """Return how many equal days are required.

    An account from a ledger of version 1 has no fingerprint yet; it accepts the first credentials, so that none is.
    """
    return len(ledger.select("SELECT 1 FROM identities WHERE account = ? AND system = 'aioz' LIMIT 1", ledger.account))


def _owners(ledger: Ledger, top_ups: Sequence[Row], days: Sequence[Row]) -> list[Cell]:
    """Return the labels under which these rows are stored."""
    holders = _holders(ledger, top_ups)
    if holders or top_ups:
        return sorted(holders, key=str)
    labels = ledger.select("SELECT DISTINCT account FROM history WHERE account NOT IN (SELECT account FROM top_ups)")
    return [label for (label,) in labels if _same_history(ledger, label, days, least=_DAYS)]


def _holders(ledger: Ledger, top_ups: Sequence[Row]) -> set[Cell]:
    """Return the labels that have one of these deposits. Equal ids are not enough: they may be numbers from 1 on."""
    wanted, found = set(map(_identifying, top_ups)), set()
    for start in range(0, len(top_ups), 500):
        keys = [row[0] for row in top_ups[start : start + 500]]
        statement = (
            f"SELECT accounts.account, {', '.join(f'stored.{name}' for name in TOP_UPS.names)}"  # noqa: S608
            " FROM accounts CROSS JOIN top_ups AS stored"
            f" ON stored.account = accounts.account AND stored.id IN ({', '.join('?' * len(keys))})"
        )
        found |= {account for account, *row in ledger.select(statement, *keys) if _identifying(row) in wanted}
    return found


def _identifying(row: Sequence[Cell]) -> tuple[Cell, ...]:
    return tuple(row[TOP_UPS.names.index(name)] for name in ("id", "created_at", "denom", "amount"))


def _same_history(ledger: Ledger, account: Cell, days: Sequence[Row], *, least: int) -> bool:
    """Return whether at least `least` complete days with a cost are the same, and no day differs.

    The last stored day is not compared, because it may have been incomplete when it was read.
    """
    stored = ledger.select(f"SELECT {', '.join(HISTORY.names)} FROM history WHERE account = ? ORDER BY date", account)  # noqa: S608
    before = {row[0]: row for row in stored[:-1]}
    pairs = [(before[row[0]], row) for row in days if row[0] in before]
    equal = [row for old, row in pairs if old == row and row[HISTORY.names.index("total_amount_usd")]]
    return len(equal) >= least and all(old == row for old, row in pairs)


def refused(ledger: Ledger, reason: str, hint: str) -> ExportError:
    """Return the error of a sync whose credentials do not belong to the label."""
    return ExportError(reason, path=str(ledger.path), hint=hint)
