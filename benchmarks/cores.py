"""The client on the first core, the server on the last.

Where both share a core, the server answers inside the client's `send`, and the client never sleeps for a reply, as
clients of real servers do. The scheduler chooses anew in each run, and that moved the CPU of a request by 40 %.
"""

from __future__ import annotations

import os
import sys


def keep_to(which: int) -> None:
    """Stay on the first (0) or the last (-1) of the cores that this process may use, where the system can do that."""
    if sys.platform == "linux":
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[which]})
