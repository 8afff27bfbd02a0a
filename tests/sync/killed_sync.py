"""A program that syncs a ledger again and again until it is killed."""

from __future__ import annotations

import asyncio
import sys

from aiozbilling import AiozBilling
from aiozbilling.export import sync


async def main(path: str) -> None:
    async with AiozBilling.from_env(rate_limit=None) as billing:
        while True:
            await sync(billing, path, wait_s=5)
            sys.stdout.write("complete\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
