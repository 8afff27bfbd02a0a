"""Records: exact amounts, UTC times, immutable values."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
from datetime import UTC, datetime, timedelta, timezone
from decimal import Context, Decimal, Inexact, localcontext
from fractions import Fraction

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import aiozbilling.records as records
from aiozbilling import (
    CuBalance,
    CuDay,
    CuLine,
    CuSummary,
    CuUsage,
    DayUsage,
    EstimatedCost,
    MeteredUsage,
    MetricUsage,
    MonthUsage,
    Period,
    ProjectedUsage,
    TokenAmount,
    TopUp,
)

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
ONE = Decimal(1)
AMOUNTS = st.integers(min_value=-(10**60), max_value=10**60).map(Decimal)


def a_top_up(**changes) -> TopUp:
    """Return a top-up, created as in a user's test."""
    fields = {
        "id": "1",
        "amount": TokenAmount("attoaioz", Decimal(10**18)),
        "sender": "aioz1a",
        "recipient": "aioz1b",
        "status": True,
        "cosmos_tx_hash": "AB",
        "created_at": NOON,
        "updated_at": None,
    }
    return TopUp(**fields | changes)


EXAMPLES = [
    a_top_up(total_amount=Decimal(2173368724836762)),
    DayUsage(date=NOON, total_storage=1, total_bandwidth=2, total_amount=Decimal(3)),
    MonthUsage(total_storage=1, storage_usage=2, bandwidth_usage=3, storage_cost=Decimal(4), bandwidth_cost=Decimal(5)),
    TokenAmount("attoaioz", Decimal(5)),
    CuUsage(
        year_month="2026-10",
        daily=(
            CuDay(date="2026-10-01", used=ONE, breakdown=(CuLine(type="trigger", node_type="http", count=1, cu=ONE),)),
        ),
        summary=CuSummary(deposited=ONE, granted=ONE, used=ONE),
    ),
    CuDay(),
    CuLine(),
    CuSummary(),
    CuBalance(balance=ONE, min_threshold=ONE),
    Period(start=NOON, end=NOON),
    MetricUsage(name="API Calls", unit="requests", included=ONE, used=ONE),
    EstimatedCost(base=ONE, overage=ONE, total=ONE, currency="usd"),
    ProjectedUsage(projected=ONE),
    MeteredUsage(
        period=Period(start=NOON, end=NOON),
        metrics={"apiCalls": MetricUsage(name="API Calls", unit="requests", included=ONE, used=ONE)},
        estimated_cost=EstimatedCost(base=ONE, overage=ONE, total=ONE, currency="usd"),
    ),
]
NAMES = [type(example).__name__ for example in EXAMPLES]


@given(amount=AMOUNTS, precision=st.integers(1, 28))
def test_scaling_never_rounds(amount, precision):
    """A scaled amount is exactly the number in the reply divided by 10^18, whatever the caller's decimal context."""
    with localcontext(Context(prec=precision, traps=[Inexact])):
        scaled = [
            TokenAmount("attoaioz", amount).value,
            a_top_up(total_amount=amount).credit_usd,
            DayUsage(date=NOON, total_storage=0, total_bandwidth=0, total_amount=amount).amount_usd,
        ]
        month = MonthUsage(total_storage=0, storage_usage=0, bandwidth_usage=0, storage_cost=amount, bandwidth_cost=ONE)
        scaled.append(month.storage_cost_usd)
    assert {Fraction(value) for value in scaled} == {Fraction(amount) / 10**18}


@given(left=AMOUNTS, right=AMOUNTS)
def test_sums_never_round(left, right):
    """The month's two costs add up exactly, also in a decimal context of five digits."""
    month = MonthUsage(total_storage=0, storage_usage=0, bandwidth_usage=0, storage_cost=left, bandwidth_cost=right)
    with localcontext(Context(prec=5, traps=[Inexact])):
        total = month.total_cost_usd
    assert Fraction(total) == (Fraction(left) + Fraction(right)) / 10**18


def test_a_sum_of_sizes_far_apart_is_exact():
    """Fifty digits between two costs are all kept."""
    month = MonthUsage(
        total_storage=0,
        storage_usage=0,
        bandwidth_usage=0,
        storage_cost=Decimal("1e60"),
        bandwidth_cost=Decimal("1e-20"),
    )
    assert month.total_cost_usd == Decimal("1" + "0" * 42 + "." + "0" * 37 + "1")


def test_the_providers_sample_is_scaled_as_it_says():
    """A real amount from a reply is converted to the correct number of dollars."""
    assert a_top_up(total_amount=Decimal(2173368724836762)).credit_usd == Decimal("0.002173368724836762")


@pytest.mark.parametrize(
    ("denom", "symbol", "value"),
    [("attoaioz", "AIOZ", "1.5"), ("aioz", "AIOZ", "1.5e18"), ("uatom", "uatom", "1.5e18")],
)
def test_denominations(denom, symbol, value):
    """Known units are converted to tokens; the number of an unknown unit is unchanged."""
    amount = TokenAmount(denom, Decimal(1_500_000_000_000_000_000))
    assert (amount.symbol, amount.value) == (symbol, Decimal(value))


@pytest.mark.parametrize(
    ("credit", "total_amount", "usd"), [(None, None, None), (None, 2, 2), (3, None, 3), (3, 2, 3), (0, 2, 0)]
)
def test_credit_goes_before_total_amount(credit, total_amount, usd):
    """The value is `credit`, even if it is zero, or else `total_amount`; without both, it is None."""
    scale = Decimal(10**18)
    row = a_top_up(
        credit=None if credit is None else credit * scale,
        total_amount=None if total_amount is None else total_amount * scale,
    )
    assert row.credit_usd == usd


def test_missing_money_is_none_and_not_zero():
    """An unknown amount stays None in every scaled form, and a sum with one is None."""
    assert DayUsage(date=NOON, total_storage=0, total_bandwidth=0).amount_usd is None
    month = MonthUsage(total_storage=0, storage_usage=0, bandwidth_usage=0, storage_cost=ONE)
    assert month.bandwidth_cost_usd is None
    assert month.total_cost_usd is None


def test_the_day_of_a_row_is_its_utc_date():
    """`day` is the calendar day of the timestamp in UTC, even at its last microsecond."""
    late = datetime(2026, 10, 1, 23, 59, 59, 999999, tzinfo=UTC)
    assert DayUsage(date=late, total_storage=0, total_bandwidth=0).day == dt.date(2026, 10, 1)


@pytest.mark.parametrize(("date", "day"), [(None, None), ("", None), ("2026-10-01", 1), ("2026-10-01T00:00:00Z", 1)])
def test_the_day_of_compute_units(date, day):
    """`day` is the date in the text of B3OS."""
    assert CuDay(date=date).day == (day and dt.date(2026, 10, day))


def test_an_invalid_day_is_an_error():
    """A text without a date is kept, but `day` raises an error."""
    with pytest.raises(ValueError, match="isoformat"):
        _ = CuDay(date="yesterday").day
    assert CuDay(date="yesterday").date == "yesterday"


def with_amount(amount):
    """Return functions that build records; each puts the amount into another field."""
    return [
        lambda: TokenAmount("attoaioz", amount),
        lambda: a_top_up(total_amount=amount),
        lambda: a_top_up(credit=amount),
        lambda: DayUsage(date=NOON, total_storage=0, total_bandwidth=0, total_amount=amount),
        lambda: MonthUsage(total_storage=0, storage_usage=0, bandwidth_usage=0, storage_cost=amount),
        lambda: MonthUsage(total_storage=0, storage_usage=0, bandwidth_usage=0, bandwidth_cost=amount),
        lambda: CuLine(cu=amount),
        lambda: CuDay(used=amount),
        lambda: CuSummary(deposited=amount),
        lambda: CuSummary(granted=amount),
        lambda: CuSummary(used=amount),
        lambda: CuBalance(balance=amount),
        lambda: CuBalance(min_threshold=amount),
        lambda: MetricUsage(name="", unit="", included=amount, used=ONE),
        lambda: MetricUsage(name="", unit="", included=ONE, used=amount),
        lambda: MetricUsage(name="", unit="", included=ONE, used=ONE, overage=amount),
        lambda: MetricUsage(name="", unit="", included=ONE, used=ONE, percentage=amount),
        lambda: EstimatedCost(base=amount, overage=ONE, total=ONE, currency="usd"),
        lambda: EstimatedCost(base=ONE, overage=amount, total=ONE, currency="usd"),
        lambda: EstimatedCost(base=ONE, overage=ONE, total=amount, currency="usd"),
        lambda: ProjectedUsage(projected=amount),
        lambda: ProjectedUsage(projected=ONE, percentage=amount),
    ]


@pytest.mark.parametrize("text", ["NaN", "sNaN", "-NaN", "Infinity", "-Infinity", "1e101", "1e-101", "-1e101"])
def test_invalid_amounts_are_refused(text):
    """No record accepts NaN, an infinity or a number of an impossible size."""
    for build in with_amount(Decimal(text)):
        with pytest.raises(ValueError, match="not a finite number"):
            build()


@pytest.mark.parametrize("amount", [1, 1.5, "1", True])
def test_an_amount_that_is_no_decimal_is_refused(amount):
    """The error of a record that is built by hand names its field and the type that it needs."""
    for build in with_amount(amount):
        with pytest.raises(TypeError, match=rf"\w+\.\w+ must be a Decimal, not {type(amount).__name__}"):
            build()


@pytest.mark.parametrize("text", ["1e100", "-1e100", "1e-100", "9.99e100", "0", "-0", "0.30000000000000004"])
def test_amounts_of_any_possible_size_are_accepted(text):
    """The limits are far from any real amount and are themselves allowed."""
    assert str(TokenAmount("attoaioz", Decimal(text)).amount) == str(Decimal(text))


@pytest.mark.parametrize(
    "time",
    [datetime(2026, 10, 1), datetime(2026, 10, 1, tzinfo=timezone(timedelta(hours=7))), datetime(1, 1, 1)],  # noqa: DTZ001
)
def test_times_that_are_not_utc_are_refused(time):
    """No record accepts a naive time or a time in another zone."""
    for build in (
        lambda: a_top_up(created_at=time),
        lambda: a_top_up(updated_at=time),
        lambda: DayUsage(date=time, total_storage=0, total_bandwidth=0),
        lambda: Period(start=time, end=NOON),
        lambda: Period(start=NOON, end=time),
    ):
        with pytest.raises(ValueError, match="not a time in UTC"):
            build()


def test_gos_zero_time_is_none_where_a_time_may_be_missing():
    """Year 1 means "not set": it is None in a top-up, and an error in a row that must have a time."""
    zero = datetime(1, 1, 1, tzinfo=UTC)
    row = a_top_up(created_at=zero, updated_at=zero)
    assert (row.created_at, row.updated_at) == (None, None)
    with pytest.raises(ValueError, match="UTC"):
        DayUsage(date=zero, total_storage=0, total_bandwidth=0)


@pytest.mark.parametrize("record", EXAMPLES, ids=NAMES)
def test_records_are_frozen_values(record):
    """A record is immutable, equals only records with equal fields, and accepts no further attributes."""
    name = attrs.fields(type(record))[0].name
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(record, name, None)
    with pytest.raises((AttributeError, attrs.exceptions.FrozenInstanceError)):
        record.comment = "mine"
    assert record == attrs.evolve(record)
    assert record != object()


@pytest.mark.parametrize("record", EXAMPLES, ids=NAMES)
def test_records_survive_pickle_and_copy(record):
    """Records are equal after pickling and copying, and their times are still in UTC."""
    for twin in (pickle.loads(pickle.dumps(record)), copy.copy(record), copy.deepcopy(record)):
        assert twin == record
        assert repr(twin) == repr(record)
        assert attrs.evolve(twin) == record  # the checks of the record accept the twin's times and amounts


@pytest.mark.parametrize("record", [record for record in EXAMPLES if not isinstance(record, MeteredUsage)])
def test_equal_records_hash_equal(record):
    """Records can be members of sets, for example to compare two exports."""
    assert len({record, attrs.evolve(record)}) == 1


def test_every_record_is_tried_here():
    """The examples contain every record class."""
    assert set(NAMES) == set(records.__all__)


def test_all_records_are_hashable():
    """Equal records have equal hashes, also those with metrics by id."""
    cost = EstimatedCost(base=ONE, overage=ONE, total=ONE, currency="usd")
    period = Period(start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2026, 11, 1, tzinfo=UTC))
    usages = [
        MeteredUsage(
            period=period, metrics={"a": MetricUsage(name="", unit="", included=ONE, used=used)}, estimated_cost=cost
        )
        for used in (ONE, ONE, Decimal(2))
    ]
    assert usages[0] == usages[1] != usages[2]
    assert len(set(usages)) == 2


@pytest.mark.parametrize(
    ("start", "month"),
    [
        ("2026-11-01T00:00:00+00:00", "2026-11"),
        ("2026-10-31T23:00:00+00:00", "2026-11"),  # midnight in Berlin
        ("2026-10-31T10:00:00+00:00", "2026-11"),  # midnight in Kiritimati
        ("2026-11-01T12:00:00+00:00", "2026-11"),  # midnight at UTC-12
        ("2026-10-31T00:00:00+00:00", "2026-10"),
        ("9999-12-31T23:00:00+00:00", "9999-12"),
    ],
)
def test_the_month_of_a_period_is_that_of_its_first_day(start, month):
    """A period that begins at midnight of a local zone belongs to the local month, not to the one before."""
    assert Period(start=datetime.fromisoformat(start), end=NOON).year_month == month
