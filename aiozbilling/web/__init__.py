"""Tools for web backends: shared answers, a feed of new rows, problem details, and downloads."""

from __future__ import annotations

from aiozbilling.web.events import event_stream
from aiozbilling.web.feed import Feed, row_id
from aiozbilling.web.first_chunk import started
from aiozbilling.web.problems import Problem, problem
from aiozbilling.web.shared import Shared

__all__ = ["Feed", "Problem", "Shared", "event_stream", "problem", "row_id", "started"]
