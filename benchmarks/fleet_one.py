"""One export of many accounts, in a process of its own: ``python -m benchmarks.fleet_one WAY ACCOUNTS BASE_URL``."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.export_one import _peak_mib
from benchmarks.fleet_server import BAD_KEY

SECRET = "bm90IGEgc2VjcmV0"
LISTS = ("top_ups", "history")


def keys(accounts: int) -> list[str]:
    """Return the API keys of good accounts and one bad one."""
    return [str(number) for number in range(1, accounts)] + [BAD_KEY]


def fleet(accounts: int, url: str, folder: Path, processes: int = 1) -> int:
    from aiozbilling.fleet import fleet as export_fleet

    (folder / "secret").write_text(SECRET)
    lines = []
    for key in keys(accounts):
        (folder / f"key{key}").write_text(key)
        lines.append(
            f'[[account]]\nlabel = "a{key}"\nbase_url = "{url}"\napi_key = "file:key{key}"\n'
            'secret_key = "file:secret"\n'
        )
    (folder / "accounts.toml").write_text("\n".join(lines))

    async def run() -> int:
        rows = 0
        for what in LISTS:
            outcomes = export_fleet(
                folder / "accounts.toml", what, folder / "out", rate_limit=None, processes=processes
            )
            async for outcome in outcomes:
                rows += outcome.new_rows
        return rows

    return asyncio.run(run())


def gather(accounts: int, url: str, folder: Path, workers: int = 32) -> int:
    """Export with hand-written code: a semaphore, and `export` for each list of each account."""
    from aiozbilling import AiozBilling, AiozBillingError
    from aiozbilling.export import export

    async def run() -> int:
        turn = asyncio.Semaphore(workers)
        async with AiozBilling(api_key="1", secret_key=SECRET, base_url=url, rate_limit=None) as first:

            async def one(key: str) -> int:
                async with turn:
                    billing = first.with_credentials(api_key=key, secret_key=SECRET)
                    rows = 0
                    try:
                        for what, listing in zip(LISTS, (billing.top_ups(), billing.history_usage()), strict=True):
                            target = folder / what / f"account=a{key}"
                            target.mkdir(parents=True)
                            rows += (await export(listing, target / "part.parquet")).rows
                    except AiozBillingError as error:
                        print(f"a{key}: {error}", file=sys.stderr)
                    return rows

            return sum(await asyncio.gather(*map(one, keys(accounts))))

    return asyncio.run(run())


def dlt_rest(accounts: int, url: str, folder: Path) -> int:
    """Load with dlt's REST client and offset paginator to Parquet files."""
    import dlt
    from dlt.sources.helpers.rest_client import RESTClient
    from dlt.sources.helpers.rest_client.paginators import OffsetPaginator
    from requests import HTTPError

    count = 0

    def rows(path: str, total: str, listed: str) -> Iterator[Any]:
        nonlocal count
        for key in keys(accounts):
            paginator = OffsetPaginator(limit=1000, total_path=f"data.{total}")
            client = RESTClient(
                url, {"pinning_api_key": key, "pinning_secret_key": SECRET}, None, paginator, f"data.{listed}"
            )
            try:
                for page in client.paginate(f"/api/billing/{path}"):
                    count += len(page)
                    yield [row | {"account": key} for row in page]
            except HTTPError:
                continue

    pipeline = dlt.pipeline(
        "bench", destination=dlt.destinations.filesystem(str(folder / "out")), pipelines_dir=str(folder / "pipelines")
    )
    pipeline.run(
        [
            dlt.resource(rows, name="top_ups")("topUp", "totals", "top_up_usages"),
            dlt.resource(rows, name="history")("historyUsage", "total_days", "history_usages"),
        ],
        loader_file_format="parquet",
    )
    return count


WAYS = {
    "fleet": fleet,
    "fleet-2": lambda *setting: fleet(*setting, processes=2),
    "gather-32": gather,
    "gather-8": lambda *setting: gather(*setting, workers=8),
    "dlt-rest": dlt_rest,
}


def measured(way: str, accounts: int, url: str) -> dict[str, object]:
    """Measure one export, including the start of a second process if there is one."""
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        rows = WAYS[way](accounts, url, Path(folder))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return {"rows": rows, "wall_s": wall, "cpu_s": cpu, "peak_mib": _peak_mib()}


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1], int(sys.argv[2]), sys.argv[3])))
