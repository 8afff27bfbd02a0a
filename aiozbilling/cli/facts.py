"""Reads a statement's facts from a ledger, from the account in the environment or from simulated accounts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aiozbilling.cli.messages import note
from aiozbilling.cli.options import Access
from aiozbilling.cli.running import run
from aiozbilling.cli.sources import with_aioz
from aiozbilling.errors import ConfigurationError

if TYPE_CHECKING:
    from aiozbilling import AiozBilling
    from aiozbilling.simulator import Simulator
    from aiozbilling.statement import Facts, Statement

__all__ = ["Database", "with_statement"]

Database = Annotated[
    Path | None,
    typer.Option(
        "--db", metavar="FILE", show_default=False, help="Read a ledger written by sync, instead of the server."
    ),
]
_SIMULATED = ("prod", "eu", "lab")


def with_statement(db: Path | None, access: Access, use: Callable[[Statement, datetime], Awaitable[None]]) -> None:
    """Run `use` with the statement and the current time; simulated accounts have a simulated time.

    Without `db` and `access.simulator`, the AIOZ account in the environment is read.
    """
    if db is not None and (access.simulator or access.base_url):
        raise ConfigurationError("use only one of --db, --simulator and --base-url")

    async def use_facts(facts: Facts, now: datetime) -> None:
        from aiozbilling.statement import statement

        await use(statement(facts), now)

    async def on_account(billing: AiozBilling, _simulator: Simulator | None) -> None:
        from aiozbilling.statement import collect

        await use_facts(await collect({"main": billing}), datetime.now(UTC))

    if db is not None:
        run(_on_ledger(db, use_facts))
    elif access.simulator:
        run(_on_simulator(use_facts))
    else:
        with_aioz(access, on_account)


async def _on_ledger(db: Path, use_facts: Callable[[Facts, datetime], Awaitable[None]]) -> None:
    from aiozbilling.statement import read_ledger

    await use_facts(read_ledger(db), datetime.now(UTC))


async def _on_simulator(use_facts: Callable[[Facts, datetime], Awaitable[None]]) -> None:
    from aiozbilling import AiozBilling, B3osBilling, MeteredBilling
    from aiozbilling.simulator import Behaviour, Simulator
    from aiozbilling.statement import collect

    # The deposits of a year pay for about a year.
    behaviour = Behaviour(deposit_divisor=250)
    async with AsyncExitStack() as open_:
        simulator = await open_.enter_async_context(
            Simulator(accounts=len(_SIMULATED), top_ups=40, days=400, behaviour=behaviour)
        )
        note(f"simulated data (seed {simulator.seed}) from an embedded server")
        url = simulator.url
        accounts = {
            label: await open_.enter_async_context(
                AiozBilling(api_key=each.api_key, secret_key=each.secret_key, base_url=url, rate_limit=None)
            )
            for label, each in zip(_SIMULATED, simulator.accounts, strict=True)
        }
        b3os = await open_.enter_async_context(B3osBilling(token=simulator.b3os_token, base_url=url))
        metered = await open_.enter_async_context(MeteredBilling(url, token=simulator.metered_token))
        facts = await collect(
            accounts,
            b3os={"main": (b3os, simulator.organization)},
            metered={"main": metered},
            read_at=simulator.now,
            source="simulated data",
        )
        now = simulator.now
    await use_facts(facts, now)
