"""Facts of unusual shapes: the report of each must be complete and readable."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import attrs

from aiozbilling import CuDay, CuLine, CuSummary, CuUsage, EstimatedCost, MeteredUsage, MetricUsage, Period
from aiozbilling.statement import AccountFacts, Deposit, Facts, MonthSnapshot, SpendDay

READ_AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOT_CREDITED_EVERY = 9


def account(label: str, days: int, *, seed: int = 1, deposits_every: int = 12, unusual: bool = True) -> AccountFacts:
    """Build an account with `days` days until the reading."""
    first = READ_AT.date() - timedelta(days=days - 1)
    rows = [_day(first + timedelta(days=n), n, seed, unusual=unusual) for n in range(days)]
    every = range(0, days, deposits_every) if deposits_every else ()
    ends = {row.day.strftime("%Y-%m"): row.day for row in rows[-75:]}
    return AccountFacts(
        label,
        tuple(_deposit(label, first + timedelta(days=n), n, seed) for n in every),
        tuple(rows),
        tuple(_snapshot(rows, day) for day in ends.values()),
        READ_AT,
        len(every),
        days,
    )


def _day(day: date, n: int, seed: int, *, unusual: bool) -> SpendDay:
    size = 10**12 + n * 4 * 10**9
    noise = (n * 7919 * seed + seed * 104729) % 100
    traffic = noise * 400 * 10**6
    if unusual and n % 97 == 60:
        traffic += 160 * 10**9
    if day == READ_AT.date():
        traffic //= 2
    return SpendDay(day, Decimal(size * 133 + traffic * 5000).scaleb(-15), size, traffic)


def _deposit(label: str, day: date, n: int, seed: int) -> Deposit:
    tokens = Decimal(14 + (n * 31 + seed) % 11)
    at = datetime(day.year, day.month, day.day, 8, tzinfo=UTC)
    is_credited = (n + seed) % NOT_CREDITED_EVERY != 0
    rate = Decimal(4800 + (n * 13) % 900) / 10000
    return Deposit(f"{label}-{n}", at, "AIOZ", tokens, tokens * rate if is_credited else Decimal(0), is_credited)


def _snapshot(rows: list[SpendDay], day: date) -> MonthSnapshot:
    month = [row for row in rows if row.day.replace(day=1) == day.replace(day=1) and row.day <= day]
    storage = sum((Decimal(row.storage_bytes * 133).scaleb(-15) for row in month[:-1]), Decimal(0))
    bandwidth = sum((Decimal(row.bandwidth_bytes * 5000).scaleb(-15) for row in month[:-1]), Decimal(0))
    return MonthSnapshot(datetime(day.year, day.month, day.day, 9, tzinfo=UTC), storage, bandwidth)


def cu(month: str = "2026-10", nodes: tuple[str, ...] = ("evm-swap", "http-request", "webhook")) -> CuUsage:
    """Build a month of compute units."""
    lines = tuple(
        CuLine(type="action", node_type=node, count=10, cu=Decimal(200 // (i + 1))) for i, node in enumerate(nodes)
    )
    day = CuDay(date=f"{month}-01", used=Decimal(300), breakdown=lines)
    summary = CuSummary(deposited=Decimal(5000), granted=Decimal("1000.5"), used=Decimal(300))
    return CuUsage(year_month=month, daily=(day,), summary=summary)


def metered(name: str = "Emails", unit: str = "emails", currency: str = "usd") -> MeteredUsage:
    """Build October's metered usage."""
    metrics = {
        "emails": MetricUsage(name=name, unit=unit, included=Decimal(2000), used=Decimal(4595), overage=Decimal(2595)),
        "storage": MetricUsage(name="Storage", unit="GB", included=Decimal(100), used=Decimal("75.1")),
        "webhooks": MetricUsage(name="Webhooks", unit="events", included=Decimal(0), used=Decimal(605)),
    }
    period = Period(start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC))
    cost = EstimatedCost(base=Decimal(29), overage=Decimal("25.95"), total=Decimal("54.95"), currency=currency)
    return MeteredUsage(period=period, metrics=metrics, estimated_cost=cost)


HOSTILE = "<script>alert(1)</script>\"'&=cmd|\x1b[31m\u202egnp\u0000"


def facts(*accounts: AccountFacts, **more: object) -> Facts:
    """Build facts with the other two systems."""
    values = {"cu": (("acme", cu()),), "metered": (("acme", metered()),), "source": "simulated data", **more}
    return Facts(accounts, **values)


def usual() -> Facts:
    """Build three accounts of a year and the other systems."""
    return facts(account("prod", 400, seed=3), account("eu", 400, seed=5, deposits_every=10), account("lab", 330))


def hostile() -> Facts:
    """Build facts whose every text is an attack."""
    one = account(HOSTILE, 90)
    deposits = tuple(attrs.evolve(row, token=HOSTILE) for row in one.deposits)
    return facts(
        attrs.evolve(one, deposits=deposits),
        account(HOSTILE + "2", 60),
        cu=((HOSTILE, cu(nodes=(HOSTILE, "a" * 500, "x" * 70 + HOSTILE))), ("b", cu())),
        metered=((HOSTILE, metered(HOSTILE, HOSTILE, HOSTILE)),),
        source=HOSTILE,
    )


def huge() -> Facts:
    """Build amounts beyond every typed column."""
    one = account("whale", 120)
    days = tuple(attrs.evolve(day, usd=day.usd * 10**40) for day in one.days)
    deposits = tuple(attrs.evolve(row, usd=row.usd * 10**42, tokens=row.tokens * 10**42) for row in one.deposits)
    return facts(attrs.evolve(one, days=days, deposits=deposits, snapshots=()))


def trillions() -> Facts:
    """Build an account that spends up to a trillion dollars a day."""
    one = account("main", 200)
    days = tuple(attrs.evolve(day, usd=day.usd * 10**12) for day in one.days)
    deposits = tuple(attrs.evolve(row, usd=row.usd * 10**12, tokens=row.tokens * 10**12) for row in one.deposits)
    snapshots = tuple(
        attrs.evolve(row, storage_usd=row.storage_usd * 10**12, bandwidth_usd=row.bandwidth_usd * 10**12)
        for row in one.snapshots
    )
    return facts(attrs.evolve(one, days=days, deposits=deposits, snapshots=snapshots))


def right_to_left() -> Facts:
    """Build names in Hebrew and Arabic, and an emoji of three persons."""
    one, two = account("חשבון ראשי", 90), account("👩‍👩‍👧 צוות", 90, seed=2)
    return facts(one, two, metered=(("acme", metered("ابجد", "طن")),))


CASES = {
    "usual": usual,
    "one-month": lambda: facts(account("main", 21)),
    "24-months": lambda: facts(account("main", 730), account("eu", 730, seed=7)),
    "200-accounts": lambda: facts(*(account(f"customer-{n:03}", 90, seed=n + 1) for n in range(200))),
    "no-deposits": lambda: facts(account("main", 120, deposits_every=0)),
    "one-day": lambda: facts(account("main", 1)),
    "nothing": Facts,
    "hostile": hostile,
    "huge": huge,
    "trillions": trillions,
    "right-to-left": right_to_left,
}
