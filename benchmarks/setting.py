"""What the scenarios of one run share."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.serving import Server


class Setting(NamedTuple):
    """Sizes and repetitions.

    Attributes:
        server: holds at least `rows` and `export_rows`.
        rows: of a walk.
        export_rows: of an export.
        repeat: processes for each peer.
        quick: so small that numbers mean nothing; for a look whether all works.
    """

    server: Server
    rows: int
    export_rows: int
    repeat: int
    quick: bool = False
