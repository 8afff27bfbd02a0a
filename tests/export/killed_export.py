"""Export in a process that a test kills: ``python killed_export.py URL API_KEY SECRET_KEY FILE [MOST_BYTES]``."""

from __future__ import annotations

import asyncio
import resource
import sys

from aiozbilling import AiozBilling
from aiozbilling.export import export, sync


async def main(url: str, api_key: str, secret_key: str, path: str) -> None:
    async with AiozBilling(api_key=api_key, secret_key=secret_key, base_url=url, rate_limit=None) as billing:
        if path.endswith(".sync.sqlite"):
            await sync(billing, path)
        else:
            await export(billing.top_ups(page_size=20), path)


if __name__ == "__main__":
    if len(sys.argv) > 5:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[5]), resource.RLIM_INFINITY))
    asyncio.run(main(*sys.argv[1:5]))
