"""Export a list that is generated meanwhile, and print the peak of memory: ``python big_export.py ROWS FILE``."""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path

from aiozbilling import Listing, TopUp
from aiozbilling.export import export
from aiozbilling.listing.source import Source
from tests.export.export_lists import top_up


async def main(count: int, path: str) -> None:
    async def fetch(offset: int, limit: int, _received: object = None) -> tuple[Sequence[TopUp], int]:
        return [top_up(number) for number in range(offset, min(offset + limit, count))], count

    source = Source("/api/billing/topUp", fetch, attrgetter("id"), attrgetter("created_at"), {})
    report = await export(Listing(source, page_size=1000), path)
    assert report.rows == count


def peak_mib() -> float:
    """Return the peak of this process in MiB; ru_maxrss would include that of the process that started it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
    sys.stdout.write(f"{peak_mib()}\n")
