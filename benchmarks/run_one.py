"""One measurement, in a process of its own: ``python -m benchmarks.run_one PEER TASK WALKS``, both as JSON."""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module

from benchmarks.cores import keep_to
from benchmarks.task import Task

_ENOUGH_S = 0.5


def measured(peer: str, task: Task, walks: int) -> dict[str, object]:
    """Walk once to warm up, then up to `walks` times or for half a second of CPU, and return the medians.

    CPU is user and system time of all threads of this process, as in getrusage but with a finer resolution.
    """
    walk = import_module(f"benchmarks.peers.{peer}").walk
    walk(task._replace(base_url=f"{task.base_url}/warm", rate=0))
    samples: list[tuple[float, float]] = []
    while not samples or (len(samples) < walks and sum(cpu for cpu, _ in samples) < _ENOUGH_S):
        cpu, wall = time.process_time(), time.perf_counter()
        tally = walk(task)
        samples.append((time.process_time() - cpu, time.perf_counter() - wall))
    cpus, walls = zip(*samples, strict=True)
    middle = len(samples) // 2
    return {"cpu_s": sorted(cpus)[middle], "wall_s": sorted(walls)[middle], "tally": tally}


if __name__ == "__main__":
    keep_to(0)
    print(json.dumps(measured(sys.argv[1], Task(*json.loads(sys.argv[2])), int(sys.argv[3]))))
