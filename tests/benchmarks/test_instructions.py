"""Odd pages, pauses and counts of instructions: the work is what it says. Its figures are not judged here."""

from __future__ import annotations

import asyncio
import json

import pytest

import benchmarks.__main__ as command
from aiozbilling.clients.aioz_endpoints import TOP_UP
from aiozbilling.errors import DecodeError
from aiozbilling.exchange.reply_body import read, read_at_once
from aiozbilling.exchange.transport import Reply
from benchmarks.odd_pages import ODD, PLAIN, page
from benchmarks.peers import CALLERS, FLOOR, OURS
from benchmarks.repeat_one import main
from benchmarks.scenarios.counted import COUNTED
from benchmarks.serving import serving
from benchmarks.stall_one import REPLIES, longest_ms
from tests.marks import slow


@pytest.mark.parametrize("name", [PLAIN, *ODD])
def test_odd_pages_have_1000_rows(name):
    """Each page has 1000 rows and differs from the plain one; only the bad row makes an error."""
    reply = Reply(200, {}, page(name))
    assert (reply.body == page(PLAIN)) is (name == PLAIN)
    try:
        read_page = read_at_once(TOP_UP, reply, str) or read(TOP_UP, reply, str)
    except DecodeError:
        assert name == "1 bad row"
    else:
        assert len(read_page.top_up_usages) == 1000


@pytest.mark.parametrize("name", [*list(REPLIES)[:2], *slow(*list(REPLIES)[2:])])
def test_pauses_are_measured_of_every_reply(name):
    """Each reply of the stall scenario ends in a page or in an error of the library, and a pause is measured."""
    assert asyncio.run(longest_ms(REPLIES[name](256 * 1024))) >= 0


@pytest.mark.parametrize("peer", [OURS, FLOOR], ids=lambda peer: peer.module)
def test_callers_make_the_calls(peer, capsys):
    """The compared callers make the same number of calls."""
    with serving(10) as server:
        main("calls", peer.module, server.url, "4", "8", "--once")
        assert server.counts()["requests"] == 8
    assert json.loads(capsys.readouterr().out) >= 0
    assert peer in CALLERS


def test_without_valgrind_a_line_says_so(monkeypatch, capsys):
    """Where valgrind is missing nothing is counted, and one line says how to get it."""
    monkeypatch.setattr(command, "MISSING", "valgrind is missing")
    command.main(["--instructions"])
    assert capsys.readouterr().out == "valgrind is missing\n"
    assert COUNTED
