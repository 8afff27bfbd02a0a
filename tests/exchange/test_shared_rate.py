"""One limit for several processes."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from aiozbilling import AiozBilling, ConfigurationError, RateLimit, SharedRateLimit
from aiozbilling.simulator import Simulator

PROCESS = textwrap.dedent("""
    import asyncio, json, sys
    from aiozbilling import AiozBilling, RetryPolicy, SharedRateLimit

    folder, token, other, url, requests, per_s, calls = sys.argv[1:]

    async def work(billing, calls):
        for _ in calls:
            await asyncio.gather(billing.this_month_usage(), return_exceptions=True)

    async def main():
        limit = SharedRateLimit(folder, int(requests), float(per_s))
        statuses = []
        async with AiozBilling(
            token=token, base_url=url, rate_limit=limit, retry=RetryPolicy(attempts=1), deadline=None,
            on_attempt=lambda attempt: statuses.append(attempt.status),
        ) as billing:
            await billing.with_credentials(token=other).this_month_usage()  # a process that has just begun is slow
            await asyncio.to_thread(sys.stdin.readline)
            statuses.clear()
            await asyncio.gather(*(work(billing, range(worker, int(calls), 4)) for worker in range(4)))
        print(json.dumps(statuses))

    asyncio.run(main())
""")


async def run(folder: Path, requests: int, per_s: float, calls: list[int]) -> tuple[list[int], list[float]]:
    """Run a process for each number of calls; return the statuses that they saw, and when each reply was sent."""
    times: list[float] = []
    async with Simulator(on_request=lambda _: times.append(time.monotonic())) as simulator:
        statuses, began = await statuses_of(simulator, folder, requests, per_s, calls)
    return statuses, [at - began for at in times if at > began]


async def statuses_of(
    simulator: Simulator, folder: Path, requests: int, per_s: float, calls: list[int]
) -> tuple[list[int], float]:
    """Run the processes, and let them begin at the same time."""
    other = simulator.add_account()
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-W", "error", "-c", PROCESS, str(folder), simulator.token, other.token, simulator.url,
            str(requests), str(per_s), str(count),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for count in calls
    ]  # fmt: skip
    while len(simulator.requests) < len(calls):
        await asyncio.sleep(0.01)
    while simulator.in_flight:
        await asyncio.sleep(0.01)
    began = time.monotonic()
    outputs = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    return [status for output, _ in outputs for status in json.loads(output)], began


async def test_two_processes_keep_one_limit(tmp_path: Path) -> None:
    """Two processes that make 12 requests at 4 in 0.6 s never send more than that allows since they began.

    Without a shared limit, 8 requests reach the server in the first 0.6 s. A delay can only add to a time.
    """
    statuses, times = await run(tmp_path / "limits", 4, 0.6, [6, 6])
    assert statuses == [200] * len(times) == [200] * 12
    assert all(at >= 0.6 * (number // 4) for number, at in enumerate(sorted(times)))


@pytest.mark.slow
async def test_two_busy_processes_of_eight_use_the_whole_limit(tmp_path: Path) -> None:
    """Eight processes, two of them busy, share 32 requests in 8 s: no process keeps a part for itself.

    With an eighth of the limit for each process, request 64 would be sent after 56 s; together it is after 16 s.
    """
    statuses, times = await run(tmp_path, 32, 8.0, [40, 40, 1, 1, 1, 1, 1, 1])
    assert statuses == [200] * len(times) == [200] * 86
    times.sort()
    assert all(at >= 8.0 * (number // 32) for number, at in enumerate(times))
    assert times[64] < 50


def test_the_limit_is_kept_by_account_without_its_credentials(tmp_path: Path) -> None:
    """Each account has its own file, whose name is a keyed fingerprint, and no file contains a credential."""
    limit = SharedRateLimit(tmp_path, 1, 60)
    first = AiozBilling(token="secret-of-one-account", rate_limit=limit)
    again = AiozBilling(token="secret-of-one-account", rate_limit=SharedRateLimit(tmp_path, 1, 60))
    other = first.with_credentials(token="secret-of-another", account="other")
    for client in (first, other):
        window = client._exchange.account.throttle.window
        assert window is not None
        assert window.take(0.0) == 0.0
    window = again._exchange.account.throttle.window
    assert window is not None
    assert 0 < window.take(0.0) <= 60
    files = sorted(path.name for path in tmp_path.iterdir())
    assert len(files) == 3
    assert not any(b"secret" in path.read_bytes() or "secret" in path.name for path in tmp_path.iterdir())


def test_times_of_an_earlier_start_of_the_machine_do_not_count(tmp_path: Path) -> None:
    """Times in the future, as after a restart, and damaged times are discarded."""
    window = SharedRateLimit(tmp_path, 1, 60).window("a")
    assert window.take(0.0) == 0.0
    window.clock = lambda: 10.0
    assert window.take(0.0) == 0.0
    window.path.write_bytes(b"\xff" * 5)
    assert window.take(0.0) == 0.0


def test_an_unusable_folder_is_refused(tmp_path: Path) -> None:
    """A folder that can't be created and invalid limits are ConfigurationErrors."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="not usable"):
        SharedRateLimit(tmp_path / "file" / "limits", 1, 60)
    with pytest.raises(ConfigurationError, match=r"SharedRateLimit\.requests"):
        SharedRateLimit(tmp_path, 0, 60)


def test_credentials_that_change_need_a_label_to_share_a_limit(tmp_path: Path) -> None:
    """With credentials from a function, an account needs a label, because other processes need the same fingerprint."""
    limit = SharedRateLimit(tmp_path, 1, 60)
    with pytest.raises(ConfigurationError, match="account="):
        AiozBilling(credentials=lambda: "token", rate_limit=limit)
    AiozBilling(credentials=lambda: "token", rate_limit=limit, account="one")
    AiozBilling(credentials=lambda: "token", rate_limit=RateLimit(1, 60))


async def test_a_folder_that_is_gone_is_a_configuration_error(tmp_path: Path, billing_simulator: Simulator) -> None:
    """If the folder is removed while clients use it, a call fails with an error that names it, without a request."""
    folder = tmp_path / "limits"
    limit = SharedRateLimit(folder, 10, 60)
    account, url = billing_simulator.account, billing_simulator.url
    keys = {"api_key": account.api_key, "secret_key": account.secret_key}
    async with AiozBilling(**keys, base_url=url, rate_limit=limit) as billing:
        await billing.this_month_usage()
        shutil.rmtree(folder)
        with pytest.raises(ConfigurationError, match=r"limits' is not usable: .*No such file"):
            await billing.this_month_usage()
    assert len(billing_simulator.requests) == 1
