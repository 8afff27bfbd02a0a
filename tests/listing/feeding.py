"""Replies that a test passes to a walk, and walks of a list that doesn't change."""

from __future__ import annotations

import random
from typing import Any

from aiozbilling.listing.walk import Walk
from tests.listing.model_server import Behaviour, ModelServer, Row, drive, make_walk


def rows(*numbers: int | None) -> list[Row | None]:
    """Return rows r1, r2, ...; None for null."""
    return [None if number is None else Row(f"r{number}") for number in numbers]


def ids(delivered: list[Row]) -> list[str]:
    """Name rows."""
    return [row.id for row in delivered]


def feed(walk: Walk[Row], total: int, *replies: list[Row | None]) -> list[str]:
    """Reply to the walk's windows in turn, and return the ids of the delivered rows."""
    delivered: list[str] = []
    for reply in replies:
        delivered += ids(walk.accept(walk.plan(1)[0], reply, total).items)
    return delivered


def still(size: int, limit: int, ahead: int = 1, **options: Any) -> tuple[ModelServer, Walk[Row], list[str]]:
    """Walk a list that does not change."""
    server = ModelServer(size, Behaviour(), random.Random(1))
    walk = make_walk(limit, **options)
    outcome = drive(server, walk, ahead)
    assert outcome.error is None
    return server, walk, outcome.rows
