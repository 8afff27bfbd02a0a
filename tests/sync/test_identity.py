"""Credentials and rows prove that the account belongs to the label."""

from __future__ import annotations

import contextlib
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from aiozbilling import AiozBilling, AuthenticationError, ExportError
from aiozbilling.export import sync
from aiozbilling.simulator import Account, Simulator
from aiozbilling.sync import verify
from aiozbilling.sync.identity import judge
from aiozbilling.sync.layout import HISTORY, TOP_UPS
from tests.simulated import client_of
from tests.sync.written import WrittenLedger, day_row, top_up_row


def with_token(simulator: Simulator, account: Account) -> AiozBilling:
    """Build a client with other credentials of the same account."""
    return AiozBilling(token=account.token, base_url=simulator.url, rate_limit=None)


def spent(path: Path, account: str = "main") -> Decimal:
    """Add up an account's history."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT total_amount_attousd FROM history WHERE account = ?", (account,)).fetchall()
    return sum((Decimal(text) for (text,) in rows), Decimal(0))


@pytest.mark.parametrize("days", [30, 400])
async def test_no_history_is_stored_under_another_accounts_label(tmp_path: Path, days: int) -> None:
    """The history of another account is refused under the label of an account without deposits."""
    path = tmp_path / "b.sqlite"
    async with Simulator(top_ups=0, days=30) as simulator:
        other = simulator.add_account(top_ups=0, days=days)
        async with client_of(simulator, simulator.account) as billing, client_of(simulator, other) as theirs:
            await sync(billing, path)
            before = spent(path)
            with pytest.raises(
                ExportError, match="the server's daily costs are not those that are stored as account 'main'"
            ):
                await sync(theirs, path)
            assert spent(path) == before
            await sync(billing, path)


async def test_credentials_that_stored_nothing_do_not_belong_to_the_label(tmp_path: Path) -> None:
    """A key that was used with the wrong label while the server failed belongs to its own label, and only to that."""
    path = tmp_path / "b.sqlite"
    async with Simulator(top_ups=5, days=30) as simulator:
        other = simulator.add_account(top_ups=5, days=30)
        async with client_of(simulator, simulator.account) as billing, client_of(simulator, other) as theirs:
            other.is_revoked = True
            with pytest.raises(AuthenticationError):
                await sync(theirs, path, account="mine")
            other.is_revoked = False
            await sync(billing, path, account="mine")
            before = spent(path, "mine")
            with pytest.raises(ExportError, match="none of the 5 top_ups that are stored as account 'mine'"):
                await sync(theirs, path, account="mine")
            await sync(theirs, path, account="theirs")
            with pytest.raises(ExportError, match="these credentials belong to account 'theirs'"):
                await sync(theirs, path, account="mine")
        assert spent(path, "mine") == before
        assert verify(path).is_ok


async def test_a_key_that_was_used_with_the_wrong_label_is_accepted_for_its_own(tmp_path: Path) -> None:
    """A failed sync under the wrong label does not reserve the key for that label."""
    path = tmp_path / "b.sqlite"
    async with Simulator(top_ups=5, days=30) as simulator, client_of(simulator, simulator.account) as billing:
        simulator.account.is_revoked = True
        with pytest.raises(AuthenticationError):
            await sync(billing, path, account="wrong")
        simulator.account.is_revoked = False
        await sync(billing, path, account="own")
        with pytest.raises(ExportError, match="these credentials belong to account 'own'"):
            await sync(billing, path, account="wrong")


async def test_two_empty_accounts_are_not_mixed_later(tmp_path: Path) -> None:
    """The label of an empty account accepts another key, but not the rows of both accounts."""
    path = tmp_path / "b.sqlite"
    async with Simulator(top_ups=0, days=0) as simulator:
        other = simulator.add_account(top_ups=0, days=0)
        async with client_of(simulator, simulator.account) as billing, client_of(simulator, other) as theirs:
            await sync(billing, path)
            await sync(theirs, path)
            simulator.account.add_top_ups(3)
            other.add_top_ups(3)
            await sync(theirs, path)
            with pytest.raises(ExportError, match="none of the 3 top_ups that are stored as account 'main'"):
                await sync(billing, path)


@pytest.mark.parametrize("top_ups", [0, 20])
async def test_one_account_under_two_labels_is_refused(tmp_path: Path, top_ups: int) -> None:
    """A second label is refused for the same credentials, and for other credentials that read the same rows."""
    path = tmp_path / "b.sqlite"
    async with Simulator(top_ups=top_ups, days=30) as simulator:
        async with client_of(simulator, simulator.account) as billing:
            await sync(billing, path, account="eu")
            with pytest.raises(ExportError, match="these credentials belong to account 'eu'"):
                await sync(billing, path, account="us")
        account = simulator.account
        async with with_token(simulator, account) as billing:
            with pytest.raises(ExportError, match="this account is stored as 'eu'"):
                await sync(billing, path, account="us")
    assert spent(path, "us") == 0
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT account FROM accounts").fetchall() == [("eu",)]


@pytest.mark.parametrize("top_ups", [0, 20])
async def test_a_new_key_of_the_same_account_is_accepted(tmp_path: Path, top_ups: int) -> None:
    """Other credentials are accepted if the rows match, and are known from then on."""
    path = tmp_path / "b.sqlite"
    async with Simulator(top_ups=top_ups, days=30) as simulator:
        async with client_of(simulator, simulator.account) as billing:
            await sync(billing, path)
        async with with_token(simulator, simulator.account) as billing:
            simulator.advance(days=2)
            assert (await sync(billing, path)).history_new == 2
            before = len(simulator.requests)
            await sync(billing, path)
    assert len(simulator.requests) - before <= 4
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(DISTINCT fingerprint) FROM identities").fetchone() == (2,)


async def test_a_new_key_that_nothing_proves_is_refused_with_a_way_out(tmp_path: Path) -> None:
    """Without a deposit and a complete day, a new key is refused until the old key has stored a day."""
    path = tmp_path / "b.sqlite"
    async with Simulator(top_ups=0, days=1) as simulator:
        async with client_of(simulator, simulator.account) as old, with_token(simulator, simulator.account) as new:
            await sync(old, path)
            with pytest.raises(ExportError, match="nothing proves that these new credentials") as caught:
                await sync(new, path)
            assert "sync once more with the old credentials after a day with a cost has ended" in caught.value.hint
            assert (await sync(new, tmp_path / "another.sqlite", account="new")).history == 1
            simulator.advance(days=1)
            await sync(old, path)
            await sync(new, path)


def test_two_accounts_that_share_days_without_cost_are_not_one(tmp_path: Path) -> None:
    """Accounts without deposits may have the same days without cost, and one equal day with a cost."""
    days = [day_row("2026-10-01", 10**18), *(day_row(f"2026-10-{day:02}", 0) for day in range(2, 20))]
    with contextlib.closing(WrittenLedger(tmp_path / "b.sqlite", "one")) as one:
        one.store(HISTORY, days)
    with contextlib.closing(WrittenLedger(tmp_path / "b.sqlite", "two")) as two:
        judge(two.ledger, [], days)


async def test_the_file_holds_no_credentials(tmp_path: Path) -> None:
    """The database contains neither key, and two ledgers have different fingerprints of the same key."""
    async with Simulator(top_ups=3, days=3) as simulator, client_of(simulator, simulator.account) as billing:
        found = set()
        for name in ("a.sqlite", "b.sqlite"):
            await sync(billing, tmp_path / name)
            content = (tmp_path / name).read_bytes()
            assert simulator.api_key.encode() not in content
            assert simulator.secret_key.encode() not in content
            with contextlib.closing(sqlite3.connect(tmp_path / name)) as database:
                found |= set(database.execute("SELECT fingerprint FROM identities").fetchall())
    assert len(found) == 2


def test_deposits_of_two_accounts_may_have_equal_ids(tmp_path: Path) -> None:
    """Ids that count from 1 in each account prove nothing about a second label or about a new key."""
    path = tmp_path / "b.sqlite"
    ours = [top_up_row(str(number), 10**18, f"2026-10-{number:02}") for number in range(1, 4)]
    theirs = [top_up_row(str(number), 10**18, f"2026-09-{number:02}") for number in range(1, 4)]
    with contextlib.closing(WrittenLedger(path, "one")) as one:
        one.store(TOP_UPS, ours)
        judge(one.ledger, ours, [])
        with pytest.raises(ExportError, match="none of the 3 top_ups that are stored as account 'one'"):
            judge(one.ledger, theirs, [])
    with contextlib.closing(WrittenLedger(path, "two")) as two:
        judge(two.ledger, theirs, [])
        two.store(TOP_UPS, theirs)
        duplicates = "SELECT duplicates FROM v_data_quality WHERE list = 'top_ups'"
        assert two.rows(duplicates) == [(0,), (0,)]
        two.store(TOP_UPS, ours)
        assert two.rows(duplicates) == [(3,), (3,)]
