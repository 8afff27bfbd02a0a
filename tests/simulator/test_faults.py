"""Each fault does what its description says, once, and the simulator works after it."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib

import aiohttp
import pytest

from aiozbilling.simulator import Fault

TOP_UP = "/api/billing/topUp"
PATHS = {
    "aioz": TOP_UP,
    "b3os": "/v1/organizations/{organization}/cu",
    "metered": "/api/billing/usage",
}
BROKEN = {
    Fault.CONNECTION_DROPPED: aiohttp.ServerDisconnectedError,
    Fault.CONNECTION_RESET: aiohttp.ClientOSError,
    Fault.DROPPED_AFTER_HEADERS: aiohttp.ClientPayloadError,
    Fault.TRUNCATED_BODY: aiohttp.ClientPayloadError,
    Fault.BROKEN_GZIP: (
        aiohttp.ClientPayloadError,
        aiohttp.ClientResponseError,
        aiohttp.http_exceptions.ContentEncodingError,
    ),
    Fault.NOT_HTTP: aiohttp.ClientResponseError,
    Fault.HUGE_HEADERS: aiohttp.ClientResponseError,
}
ENDLESS = {Fault.HANG, Fault.HANG_AFTER_HEADERS, Fault.DRIPPING_BODY, Fault.GIGANTIC_LENGTH}


def path_of(simulator, system):
    """Name a path of a system."""
    return PATHS[system].format(organization=simulator.organization)


@pytest.mark.parametrize("system", PATHS)
async def test_every_fault_applies_once_and_the_next_request_is_served(simulator, ask, system, caplog):
    """After any fault the simulator serves the next request, and logs no error."""
    simulator.behaviour.gigantic_bytes = 1 << 20
    path = path_of(simulator, system)
    for fault in Fault:
        # aiohttp sends a GET again, once, when its connection was closed before a reply.
        simulator.fail(fault, times=2 if fault in {Fault.CONNECTION_DROPPED, Fault.CONNECTION_RESET} else 1)
        try:
            async with asyncio.timeout(0.1 if fault in ENDLESS else 10):
                answer = await ask(path)
        except (aiohttp.ClientError, aiohttp.http_exceptions.HttpProcessingError, TimeoutError):
            assert fault in BROKEN.keys() | ENDLESS, fault
        else:
            assert fault not in BROKEN.keys() | ENDLESS, fault
            assert answer.status == (fault.status or answer.status)
        assert (await ask(path)).status == 200, fault
    assert simulator.in_flight == 0
    assert not [record for record in caplog.records if record.name.startswith("aiohttp")]


@pytest.mark.parametrize("fault", BROKEN)
async def test_broken_connections_are_noticed(simulator, ask, fault):
    """A client sees the failure that the fault names; a connection that was cut is recorded with status 0."""
    simulator.fail(fault, times=2)  # aiohttp sends some of them again
    with pytest.raises(BROKEN[fault]):
        await ask(TOP_UP)
    assert simulator.requests[-1].status == (200 if fault is Fault.BROKEN_GZIP else 0)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 418, 422, 425, 429, 500, 502, 503, 504])
async def test_http_errors_have_the_body_that_was_chosen(simulator, ask, status):
    """Each status comes as the system's JSON, as an edge server's HTML or as text, with any headers."""
    fault = Fault(f"http-{status}")
    for body, kind in (("json", "application/json"), ("html", "text/html"), ("text", "text/plain")):
        simulator.fail(fault, body=body, headers={"Retry-After": "7"})
        answer = await ask(TOP_UP)
        assert answer.status == fault.status == status
        assert answer.headers["Content-Type"].startswith(kind)
        assert answer.headers["Retry-After"] == "7"


async def test_json_errors_wear_the_envelope_of_their_system(simulator, ask):
    """A failure looks different at each of the three."""
    simulator.fail(Fault.HTTP_500, times=3)
    aioz, b3os, metered = [(await ask(path_of(simulator, system))).json for system in PATHS]
    assert aioz == {"status": "error", "message": "Internal Server Error (simulated)"}
    assert b3os["code"] == 500001
    assert {"message", "details", "requestId"} <= set(b3os)
    assert metered["success"] is False
    assert metered["error"]["code"] == "INTERNAL_ERROR"


async def test_a_failure_can_hide_inside_a_200(simulator, ask):
    """The status is 200 and the envelope reports failure, with or without data."""
    for fault in (Fault.REJECTED_IN_200, Fault.REJECTED_WITH_DATA):
        simulator.fail(fault, times=3)
        answers = [await ask(path_of(simulator, system)) for system in PATHS]
        assert {answer.status for answer in answers} == {200}
        aioz, b3os, metered = [answer.json for answer in answers]
        assert (aioz["status"], b3os["code"], metered["success"]) == ("fail", 400228, False)
        for envelope in (aioz, b3os, metered):
            assert ("data" in envelope) == (fault is Fault.REJECTED_WITH_DATA)


async def test_credentials_are_echoed_to_test_secrecy(simulator, ask):
    """The reply repeats all credentials of the request."""
    simulator.fail(Fault.ECHOED_CREDENTIALS)
    simulator.fail(Fault.ECHOED_IN_200, path="usage")
    answer = await ask(TOP_UP)
    assert answer.status == 400
    assert simulator.api_key in answer.json["message"]
    assert simulator.secret_key in answer.json["message"]
    assert simulator.metered_token.encode() in (await ask("/api/billing/usage")).body


async def test_faults_wait_for_their_path_and_their_turn(simulator, ask):
    """A fault applies to matching requests only, as often as planned, after the faults planned before it."""
    simulator.fail(Fault.HTTP_503, times=2, path="topUp")
    simulator.fail("http-404")
    statuses = [(await ask(path)).status for path in (TOP_UP, "/api/billing/historyUsage", TOP_UP, TOP_UP)]
    assert statuses == [503, 404, 503, 200]
    simulator.fail(Fault.HANG, times=99)
    simulator.forgive()
    assert (await ask(TOP_UP)).status == 200


async def test_a_fault_can_apply_to_each_nth_request(simulator, ask):
    """With `every` only each n-th matching request suffers."""
    simulator.fail(Fault.HTTP_503, times=2, every=3)
    assert [(await ask(TOP_UP)).status for _ in range(8)] == [200, 200, 503, 200, 200, 503, 200, 200]


async def test_a_gzip_bomb_is_small_and_whole(simulator, ask):
    """A few hundred kilobytes on the wire are 256 MiB of valid gzip."""
    simulator.fail(Fault.GZIP_BOMB)
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.get(simulator.url + TOP_UP, headers=ask.headers_for(TOP_UP)) as response,
    ):
        packed = await response.read()
    assert response.headers["Content-Encoding"] == "gzip"
    assert len(packed) < 400_000
    unpacker, size = zlib.decompressobj(16 + zlib.MAX_WBITS), 0
    while packed and not unpacker.eof:
        size += len(unpacker.decompress(packed, 1 << 20))
        packed = unpacker.unconsumed_tail
    assert size >= 256 << 20


async def test_a_small_gzip_bomb_passes_its_checksum(simulator, ask):
    """The bomb is valid to its last byte, so that only a limit can stop it."""
    simulator.behaviour.gigantic_bytes = 3 << 20
    simulator.fail(Fault.GZIP_BOMB)
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.get(simulator.url + TOP_UP, headers=ask.headers_for(TOP_UP)) as response,
    ):
        assert len(gzip.decompress(await response.read())) >= 3 << 20


async def test_a_gigantic_body_goes_on_for_as_long_as_it_is_told(simulator, ask):
    """A gigantic body is valid JSON of unknown length."""
    simulator.behaviour.gigantic_bytes = 3 << 20
    simulator.fail(Fault.GIGANTIC_BODY)
    answer = await ask(TOP_UP)
    assert "Content-Length" not in answer.headers
    assert len(answer.data) >= 3 << 20


async def test_a_dripping_body_is_whole_in_the_end(simulator, ask):
    """The pieces make up the good reply."""
    good = (await ask(TOP_UP)).body
    simulator.behaviour.drip_bytes, simulator.behaviour.drip_interval_s = 500, 0.001
    simulator.fail(Fault.DRIPPING_BODY)
    assert (await ask(TOP_UP)).body == good


async def test_bodies_are_as_wrong_as_their_names(simulator, ask):
    """Each bad body has what a decoder must refuse."""
    bodies = {}
    for fault in Fault:
        if fault.status is None and fault not in BROKEN.keys() | ENDLESS | {Fault.GIGANTIC_BODY, Fault.GZIP_BOMB}:
            simulator.fail(fault)
            bodies[fault] = await ask(TOP_UP)
    for fault in (Fault.INVALID_JSON, Fault.INVALID_UTF8, Fault.EMPTY_200, Fault.HTML_IN_200, Fault.ECHOED_IN_200):
        assert bodies[fault].status == 200
        with pytest.raises(ValueError):
            json.loads(bodies[fault].body)
    assert b"NaN" in bodies[Fault.NOT_A_NUMBER].body
    assert set(json.loads(bodies[Fault.NOT_A_NUMBER].body)["data"]) == {"totals", "top_up_usages"}
    assert bodies[Fault.LONE_SURROGATE].data == "\ud800"
    assert bodies[Fault.DEEP_NESTING].body.count(b"[") == 100_000
    assert bodies[Fault.JSON_NULL].json is None
    assert "data" not in bodies[Fault.NO_DATA].json
    assert bodies[Fault.WRONG_SHAPE].data == ["wrong", "shape"]
    assert bodies[Fault.NO_CONTENT].status == 204


async def test_redirects_lead_where_their_names_say(simulator, ask):
    """Each kind of redirect has its own target."""
    path, port = f"{TOP_UP}?limit=2", simulator.port
    targets = {
        Fault.REDIRECT_TO_OTHER_HOST: (302, f"https://evil.example{path}"),
        Fault.REDIRECT_TO_OTHER_PORT: (302, f"http://127.0.0.1:{port % 65535 + 1}{path}"),
        Fault.REDIRECT_TO_OTHER_SCHEME: (302, f"https://127.0.0.1:{port}{path}"),
        Fault.REDIRECT_LOOP: (302, f"{simulator.url}{path}"),
        Fault.REDIRECT_307: (307, f"{simulator.url}{TOP_UP}/?limit=2"),
        Fault.REDIRECT_WITHOUT_LOCATION: (302, None),
    }
    for fault, expected in targets.items():
        simulator.fail(fault)
        answer = await ask(path)
        assert (answer.status, answer.headers.get("Location")) == expected


def test_every_fault_says_what_it_is():
    """Names are unique and each has a sentence for the command line's list."""
    assert all(fault.doc for fault in Fault)
    assert len({fault.doc for fault in Fault}) == len(Fault)
    assert str(Fault.HANG) == "hang"
    assert Fault("http-503") is Fault.HTTP_503


@pytest.mark.parametrize(
    ("path", "total"), [("/api/billing/topUp", "totals"), ("/api/billing/historyUsage", "total_days")]
)
async def test_a_list_can_be_empty_for_a_moment(simulator, ask, path, total):
    """In the middle of a walk some replies say that the list is empty, and later ones have the rows again."""
    simulator.fail(Fault.EMPTY_LIST, times=2, after=1, path=path)
    pages = [(await ask(f"{path}?limit=5&offset={offset}")).data for offset in (0, 4, 4, 4)]
    (rows,) = pages[0].keys() - {total}
    assert pages[1] == pages[2] == {total: 0, rows: None}
    assert [len(page[rows]) for page in (pages[0], pages[3])] == [5, 5]


async def test_a_total_can_collapse(simulator, ask):
    """The rows are right and the total is 0; replies without a list stay as they are."""
    simulator.fail(Fault.TOTAL_COLLAPSE, times=2)
    page = (await ask("/api/billing/topUp")).data
    assert (page["totals"], len(page["top_up_usages"])) == (0, 10)
    assert (await ask("/api/billing/thisMonthUsage")).data == simulator.account.month()


async def test_a_fault_can_last_some_time(simulator, ask):
    """With `for_s` every request suffers the fault until that time has passed since the first one."""
    simulator.fail("http-500", for_s=0.2)
    assert [(await ask("/api/billing/topUp")).status for _ in range(3)] == [500, 500, 500]
    await asyncio.sleep(0.2)
    assert (await ask("/api/billing/topUp")).status == 200
