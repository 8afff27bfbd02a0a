"""The first chunk before the headers: errors come early, nothing is lost, and what is left is closed."""

from __future__ import annotations

import pytest

from aiozbilling import ServerError
from aiozbilling.export import stream_csv
from aiozbilling.web import started


async def test_nothing_is_lost(billing):
    """All chunks come once and in order, the first one included."""
    plain = [chunk async for chunk in stream_csv(billing.top_ups(page_size=10))]
    chunks = await started(stream_csv(billing.top_ups(page_size=10)))
    assert [chunk async for chunk in chunks] == plain


async def test_the_first_error_comes_before_the_response(simulator, billing):
    """A failing first page is raised by `started`, before any header could be sent."""
    simulator.fail("http-500", times=9)
    with pytest.raises(ServerError):
        await started(stream_csv(billing.top_ups()))


async def test_no_chunk_at_all():
    """The result for an iterator without chunks is an iterator without chunks."""

    async def nothing():
        return
        yield

    assert [chunk async for chunk in await started(nothing())] == []


async def test_closing_closes_the_inner_iterator():
    """A download that is closed before its first chunk was sent closes the rows that it reads."""
    closed = []

    async def chunks():
        try:
            yield b"a"
            yield b"b"
        finally:
            closed.append(True)

    download = await started(chunks())
    await download.aclose()
    assert closed == [True]
    assert [chunk async for chunk in download] == []
