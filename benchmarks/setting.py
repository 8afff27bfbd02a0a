"""Common settings of the scenarios of a run."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.serving import Server


class Setting(NamedTuple):
    """Sizes and repetitions.

    Attributes:
        server: the server, with at least `rows` and `export_rows` rows.
        rows: rows of a walk.
        export_rows: rows of an export.
        repeat: number of processes for each peer.
        quick: whether sizes are so small that the run only checks that everything works.
    """

    server: Server
    rows: int
    export_rows: int
    repeat: int
    quick: bool = False
