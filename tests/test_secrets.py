"""A canary as a credential must not appear in anything that a person, a log or an error tracker sees."""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import io
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from types import TracebackType
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web

from aiozbilling import (
    AiozBilling,
    AiozBillingError,
    B3osBilling,
    ConfigurationError,
    ConnectError,
    DecodeError,
    MeteredBilling,
    RateLimit,
    RedirectError,
    RetryPolicy,
    Secret,
    errors,
)
from aiozbilling.simulator import Fault, Simulator
from aiozbilling.simulator.credentials import Credentials

# Base64, as in real keys, with all characters that encoders escape; the token is longer than any excerpt.
API_KEY = "CaNaRy1+aa/bb+cc/Dd=="
SECRET_KEY = "CaNaRy2/ee+ff/gg+Hh="
TOKEN = "CaNaRy3." + "".join(f"{number:03d}x" for number in range(300)) + "._-"
B3OS_TOKEN = "b3sk_CaNaRy4" + "0123456789abcdef" * 3
METERED_TOKEN = "CaNaRy5." + "".join(f"{number:03d}y" for number in range(300)) + "~+/="
SECRETS = (API_KEY, SECRET_KEY, TOKEN, B3OS_TOKEN, METERED_TOKEN)
RETRY = RetryPolicy(attempts=2, wait_s=0.001, throttled_wait_s=0.001)
HERE = __file__


def spelled(secret: str) -> set[str]:
    """Return the texts to look for: the canary, its first and last quarter, and escaped forms."""
    parts = {secret, secret[:10], secret[-10:]}
    return {form for part in parts for form in (part, quote(part, safe=""), part.replace("/", "\\/"), repr(part)[1:-1])}


NEEDLES = sorted({needle.casefold() for needle in set().union(*map(spelled, SECRETS))}, key=len)


def assert_clean(text: str, where: str) -> None:
    """Fail if a canary is in the text."""
    text = text.casefold()
    for needle in NEEDLES:
        if needle in text:
            pytest.fail(f"{needle!r} is in {where}: {text[max(0, text.find(needle) - 150) :][:400]}")


def of_ours(thing: object) -> bool:
    """Return whether the class of an object belongs to this library."""
    return type(thing).__module__.startswith("aiozbilling.") and not type(thing).__module__.startswith(
        "aiozbilling.simulator"
    )


def attributes(thing: object) -> dict[str, object]:
    """Return all attributes of an object, in `__dict__` or in slots, except the text of a secret."""
    if isinstance(thing, Secret):
        return {}
    names = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    return {name: getattr(thing, name) for name in names if hasattr(thing, name)} | getattr(thing, "__dict__", {})


def assert_object_clean(thing: object, where: str, seen: set[int] | None = None) -> None:
    """Search an object and, recursively, the library's objects in its attributes."""
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return
    seen.add(id(thing))
    for show in (repr, str, "{}".format, ascii):
        assert_clean(shown(thing, show), where)
    for name, value in attributes(thing).items():
        assert_clean(f"{name}={shown(value)}", f"{where}.{name}")
        inner = value if isinstance(value, list | tuple) else [value]
        for part in inner:
            if of_ours(part) or isinstance(part, BaseException):
                assert_object_clean(part, f"{where}.{name}", seen)
    bound = getattr(thing, "__self__", None)
    if bound is not None and of_ours(bound):
        assert_object_clean(bound, f"{where}.__self__", seen)


def chain(error: BaseException) -> list[BaseException]:
    """Return an error with all its causes and contexts."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is not None and link not in found:
            found.append(link)
            waiting += [link.__cause__, link.__context__]
    return found


def frames(tb: TracebackType | None):
    """Return the frames of a traceback without those of this test."""
    while tb is not None:
        if tb.tb_frame.f_code.co_filename != HERE:
            yield tb.tb_frame
        tb = tb.tb_next


def assert_error_clean(error: BaseException) -> None:
    """Look for canaries in an error, its arguments, its pickle, its chain, and every local of its traceback."""
    for link in chain(error):
        where = type(link).__name__
        assert_object_clean(link, where)
        assert_clean(repr(link.args), f"{where}.args")
        assert_clean(repr(getattr(link, "__notes__", "")), f"{where}.__notes__")
        for frame in frames(link.__traceback__):
            place = f"{where}, frame {frame.f_code.co_qualname} of {frame.f_code.co_filename}"
            for name, value in frame.f_locals.items():
                if isinstance(value, Simulator | web.BaseRequest):
                    continue
                assert_clean(shown(value), f"{place}, local {name}")
                if of_ours(value):
                    assert_object_clean(value, f"{place}, local {name}")
        shown_locals = traceback.TracebackException.from_exception(link, capture_locals=True)
        own = [summary for summary in shown_locals.stack if summary.filename == HERE]
        for summary in own:
            summary.locals = None
        assert_clean("".join(shown_locals.format(chain=False)), f"traceback of {where}")
    if isinstance(error, AiozBillingError):
        data = pickle.dumps(error)
        assert_clean(data.decode("latin-1"), "pickle")
        assert_clean(repr(vars(copy.deepcopy(error))), "copy")


def shown(value: object, show: Callable[[object], str] = repr) -> str:
    """Return the repr of a local variable like an error tracker, even if repr fails."""
    try:
        return show(value)
    except Exception as error:
        return repr(error)


@pytest.fixture
def log():
    """Collect the messages of all loggers at DEBUG, with tracebacks."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setLevel(logging.DEBUG)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s %(args)s"))
    root = logging.getLogger()
    named = [root, *(logging.getLogger(name) for name in ("aiozbilling", "aiohttp.client", "asyncio", "tenacity"))]
    levels = [logger.level for logger in named]
    for logger in named:
        logger.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)
    for logger, level in zip(named, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture
async def simulator(monkeypatch):
    """Serve one account whose credentials are the canaries, in asyncio's debug mode."""
    canaries = Credentials(API_KEY, SECRET_KEY, TOKEN, B3OS_TOKEN, "org_canary", METERED_TOKEN)
    monkeypatch.setattr(Credentials, "from_seed", lambda _seed: canaries)
    asyncio.get_running_loop().set_debug(True)
    async with Simulator(seed=3, top_ups=12, days=5) as simulator:
        simulator.behaviour.gigantic_bytes = 1 << 20
        simulator.behaviour.drip_interval_s = 0.01
        yield simulator


ATTEMPTS: list[object] = []
SETTINGS = {
    "retry": RETRY,
    "timeout": 0.08,
    "deadline": 60.0,
    "rate_limit": None,
    "max_body": 1 << 18,
    "on_attempt": ATTEMPTS.append,
}
CLIENTS = {
    "key pair": lambda url, **more: AiozBilling(
        api_key=API_KEY, secret_key=SECRET_KEY, base_url=url, **SETTINGS | more
    ),
    "AIOZ token": lambda url, **more: AiozBilling(token=TOKEN, base_url=url, **SETTINGS | more),
    "B3OS token": lambda url, **more: B3osBilling(token=B3OS_TOKEN, base_url=url, **SETTINGS | more),
    "metered token": lambda url, **more: MeteredBilling(url, token=METERED_TOKEN, **SETTINGS | more),
}
KINDS = pytest.mark.parametrize("kind", CLIENTS)
# Tests of every fault make one kind of call by default, and the other kinds in the slow run.
ONE_KIND = pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.slow] if i else []) for i, kind in enumerate(CLIENTS)]
)


async def calls(client) -> None:
    """Make a call like a user of the client."""
    if isinstance(client, AiozBilling):
        await client.this_month_usage()
        await client.top_ups().collect()
    elif isinstance(client, B3osBilling):
        await client.cu_usage("org_canary", "2026-10")
    else:
        await client.usage()


async def error_of(client) -> BaseException | None:
    """Make a call and return its error."""
    try:
        await calls(client)
    except Exception as error:
        return error
    return None


@ONE_KIND
async def test_no_fault_shows_a_canary(kind, simulator, log):
    """For every fault, the error, its traceback with all locals, the attempts and the logs are clean."""
    ATTEMPTS.clear()
    met: set[str] = set()
    async with CLIENTS[kind](simulator.url) as client:
        for fault in Fault:
            simulator.fail(fault, times=2)
            error = await error_of(client)
            simulator.forgive()
            if error is not None:
                met.add(type(error).__name__)
                assert_error_clean(error)
                assert chain(error) == [error], "an error refers to one of the HTTP library"
            assert_object_clean(client, "client")
        async with client.with_options(timeout=5.0) as patient:
            assert await error_of(patient) is None
    assert met >= {
        "AuthenticationError", "ApiError", "BadRequestError", "BodyTooLargeError", "CallTimeoutError", "ConnectError",
        "DecodeError", "NotFoundError", "PermissionDeniedError", "ProtocolError", "RateLimitedError", "RedirectError",
        "RejectedError", "ServerError",
    }  # fmt: skip
    assert ATTEMPTS
    for attempt in ATTEMPTS:
        assert_object_clean(attempt, "attempt")
    assert "attempt 2" in log.getvalue()
    assert_clean(log.getvalue(), "log")


@KINDS
async def test_no_result_shows_a_canary(kind, simulator, log):
    """Without errors, client, listing, page, cursor, report, records and log are clean."""
    async with CLIENTS[kind](simulator.url, timeout=5.0) as client:
        await calls(client)
        things: list[object] = [client, client._exchange, client._exchange.account, SETTINGS]
        if isinstance(client, AiozBilling):
            listing = client.top_ups(page_size=5)
            async for row in listing:
                things += [row, listing.cursor, listing.report]
                assert_clean(str(listing.cursor), "cursor")
            things += [listing, await client.history_usage()]
        for thing in things:
            assert_object_clean(thing, type(thing).__name__)
    assert_clean(log.getvalue(), "log")


@KINDS
async def test_no_client_is_pickled_or_copied_with_its_secret(kind, simulator):
    """Pickling a client fails, and the error contains nothing of the client's contents."""
    async with CLIENTS[kind](simulator.url, timeout=5.0) as client:
        for dump in (pickle.dumps, copy.deepcopy):
            with pytest.raises(TypeError, match="a client can.t be pickled or copied") as caught:
                dump(client)
            assert_object_clean(caught.value, "the refusal")
            for frame in frames(caught.value.__traceback__):
                for name, value in frame.f_locals.items():
                    assert_clean(shown(value), f"local {name} of {frame.f_code.co_qualname}")


BAD_TEXTS = {
    "blank": lambda secret: f"{secret} x",
    "newline": lambda secret: f"{secret}\n",
    "header injection": lambda secret: f"{secret}\r\nX: y",
    "no ASCII": lambda secret: f"{secret}é",
    "surrogate": lambda secret: f"{secret}\udcff",
    "bytes": str.encode,
    "list": lambda secret: [secret],
    "dict": lambda secret: {secret: 1},
}


@pytest.mark.parametrize("spoil", BAD_TEXTS.values(), ids=BAD_TEXTS)
def test_no_refused_credential_shows_a_canary(spoil, monkeypatch):
    """The error of an invalid credential contains no part of it, also not in its locals."""
    client = AiozBilling(api_key=API_KEY, secret_key=SECRET_KEY)
    b3os, metered = B3osBilling(token=B3OS_TOKEN), MeteredBilling("https://x.example", token=METERED_TOKEN)
    tries = [
        lambda: AiozBilling(api_key=spoil(API_KEY), secret_key=SECRET_KEY),
        lambda: AiozBilling(api_key=API_KEY, secret_key=spoil(SECRET_KEY)),
        lambda: AiozBilling(token=spoil(TOKEN)),
        lambda: B3osBilling(token=spoil(B3OS_TOKEN)),
        lambda: MeteredBilling("https://api.example.com", token=spoil(METERED_TOKEN)),
        lambda: client.with_credentials(token=spoil(TOKEN)),
        lambda: client.with_credentials(api_key=spoil(API_KEY), secret_key=spoil(SECRET_KEY)),
        lambda: b3os.with_credentials(token=spoil(B3OS_TOKEN)),
        lambda: metered.with_credentials(token=spoil(METERED_TOKEN)),
    ]
    for build in tries:
        with pytest.raises(ConfigurationError) as caught:
            build()
        assert_error_clean(caught.value)


def test_no_wrong_use_shows_a_canary(monkeypatch):
    """If another argument is wrong, neither the error nor a local of its traceback contains the credentials."""
    good = {"api_key": API_KEY, "secret_key": SECRET_KEY}
    urls = [
        "http://api.example.com",
        "ftp://x",
        "",
        5,
        "https://user:pass@x.example",
        "https://x.example?a=b",
        "https://[",
    ]
    tries = [
        lambda: AiozBilling(**good, token=TOKEN),
        lambda: AiozBilling(api_key=API_KEY),
        lambda: AiozBilling(secret_key=SECRET_KEY),
        lambda: AiozBilling(**good, time_out=5),
        lambda: AiozBilling(**good, timeout="soon"),
        lambda: AiozBilling(**good, retry=5),
        lambda: AiozBilling(**good, rate_limit=180),
        lambda: AiozBilling(**good, max_body=0),
        lambda: AiozBilling(**good, session=object()),
        lambda: AiozBilling(API_KEY, SECRET_KEY),
        lambda: B3osBilling(B3OS_TOKEN),
        lambda: B3osBilling(api_key=B3OS_TOKEN),
        lambda: MeteredBilling("https://x.example", METERED_TOKEN),
        *(lambda url=url: AiozBilling(**good, base_url=url) for url in urls),
        *(lambda url=url: B3osBilling(token=B3OS_TOKEN, base_url=url) for url in urls),
        *(lambda url=url: MeteredBilling(url, token=METERED_TOKEN) for url in urls),
    ]
    for build in tries:
        with pytest.raises((ConfigurationError, TypeError)) as caught:
            build()
        assert_error_clean(caught.value)


def test_no_misspelt_keyword_shows_a_canary():
    """If a keyword is misspelt, or unknown to `from_env`, no local of the error's traceback contains its value."""
    tries = [
        lambda: AiozBilling(api_key=API_KEY, secretkey=SECRET_KEY),
        lambda: AiozBilling(tokens=TOKEN),
        lambda: AiozBilling.from_env(token=TOKEN),
        lambda: B3osBilling(token=B3OS_TOKEN, key=B3OS_TOKEN),
        lambda: MeteredBilling("https://x.example", token=METERED_TOKEN, jwt=METERED_TOKEN),
        lambda: MeteredBilling.from_env(jwt=METERED_TOKEN),
    ]
    for build in tries:
        with pytest.raises((ConfigurationError, TypeError)) as caught:
            build()
        assert_error_clean(caught.value)


def test_no_environment_shows_a_canary(monkeypatch):
    """The error for an invalid credential in the environment contains only the name of the variable."""
    spoilt = {"AIOZ_PIN_API_KEY": f"{API_KEY}\n", "AIOZ_PIN_SECRET_KEY": SECRET_KEY}
    both = {"AIOZ_PIN_API_KEY": API_KEY, "AIOZ_PIN_TOKEN": TOKEN}
    for build, variables in (
        (AiozBilling.from_env, spoilt),
        (AiozBilling.from_env, {"AIOZ_PIN_API_KEY": API_KEY}),
        (AiozBilling.from_env, both),
        (AiozBilling.from_env, {"AIOZ_PIN_TOKEN": TOKEN, "AIOZ_PIN_BASE_URL": "nowhere"}),
        (B3osBilling.from_env, {"B3OS_API_KEY": f" {B3OS_TOKEN}"}),
        (B3osBilling.from_env, {"B3OS_API_KEY": B3OS_TOKEN, "B3OS_SERVER_URL": "ftp://x"}),
        (MeteredBilling.from_env, {"METERED_BILLING_TOKEN": METERED_TOKEN}),
        (MeteredBilling.from_env, {"METERED_BILLING_TOKEN": f"{METERED_TOKEN} ", "METERED_BILLING_URL": "https://x.y"}),
    ):
        with monkeypatch.context() as patch:
            for name in (*spoilt, *both, "AIOZ_PIN_BASE_URL", "B3OS_SERVER_URL", "METERED_BILLING_URL"):
                patch.delenv(name, raising=False)
            for name, text in variables.items():
                patch.setenv(name, text)
            with pytest.raises(ConfigurationError) as caught:
                build()
            assert_error_clean(caught.value)
            assert any(name in str(caught.value) for name in (*variables, "base_url", "AIOZ_PIN_SECRET_KEY", "_URL"))


@KINDS
async def test_a_closed_session_shows_no_canary(kind, simulator):
    """The error for the caller's session, if it is closed or belongs to another loop, is clean."""
    session = aiohttp.ClientSession()
    await session.close()
    client = CLIENTS[kind](simulator.url, session=session)
    with pytest.raises(ConfigurationError) as caught:
        await calls(client)
    assert_error_clean(caught.value)


@KINDS
async def test_a_server_that_is_gone_shows_no_canary(kind):
    """The errors for a refused connection, an unknown host and an invalid address are clean."""
    for url in ("http://127.0.0.1:1", "https://127.0.0.1:1", "https://no-such-host.invalid"):
        async with CLIENTS[kind](url) as client:
            error = await error_of(client)
            assert isinstance(error, errors.TransportError)
            assert_error_clean(error)


STAGES = {
    "connecting": None,
    "waiting": Fault.HANG,
    "reading": Fault.HANG_AFTER_HEADERS,
    "dripping": Fault.DRIPPING_BODY,
}


@ONE_KIND
@pytest.mark.parametrize("stage", STAGES)
async def test_cancellation_shows_no_canary(kind, stage, simulator, log):
    """If a call is cancelled at any stage, the locals of the traceback contain no canary."""
    if STAGES[stage]:
        simulator.fail(STAGES[stage], times=9)
    async with CLIENTS[kind](simulator.url, timeout=5.0) as client:
        for steps in (1, 2, 3, 5, 8, 13, 200) if stage == "connecting" else (1,):
            task = asyncio.ensure_future(calls(client))
            if stage == "connecting":
                for _ in range(steps):
                    await asyncio.sleep(0)
            else:
                await asyncio.sleep(0.03)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
                raise asyncio.CancelledError  # the call ended before the cancellation
            assert_error_clean(caught.value)
            assert_clean(repr(task), "task")
    assert_clean(log.getvalue(), "log")


class Interrupt(BaseException):
    """An exception such as KeyboardInterrupt, in the middle of a call."""


@KINDS
async def test_an_interrupt_shows_no_canary(kind, simulator, monkeypatch):
    """A BaseException that is raised while the body is read also leaves clean locals."""

    def interrupted(*_: object) -> None:
        raise Interrupt

    monkeypatch.setattr("aiozbilling.exchange.transport._refuse_large", interrupted)
    async with CLIENTS[kind](simulator.url, timeout=5.0) as client:
        with pytest.raises(Interrupt) as caught:
            await calls(client)
        assert_error_clean(caught.value)


@KINDS
async def test_a_failing_hook_shows_no_canary(kind, simulator, log):
    """The log message for an `on_attempt` that fails is clean, even with all locals of the traceback."""

    def fails(_attempt: object) -> None:
        raise ValueError("mine")

    class Locals(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info:
                assert record.exc_info[1] is not None
                caught.append(record.exc_info[1])

    caught: list[BaseException] = []
    handler = Locals()
    logging.getLogger("aiozbilling").addHandler(handler)
    try:
        async with CLIENTS[kind](simulator.url, on_attempt=fails) as client:
            await error_of(client)
    finally:
        logging.getLogger("aiozbilling").removeHandler(handler)
    assert caught
    for error in caught:
        assert_error_clean(error)
    assert_clean(log.getvalue(), "log")


def echoes(secret: str) -> list[tuple[int, dict[str, str], str]]:
    """Return replies that repeat a secret in every place and in every encoding that servers use."""
    quoted, half = quote(secret, safe=""), quote(secret)
    slashed = json.dumps(f"bad {secret}").replace("/", "\\/")
    numbered = '"' + "".join(c if c.isalnum() else f"\\u{ord(c):04x}" for c in secret) + '"'
    entities = "".join(c if c.isalnum() else f"&#{ord(c)};" for c in secret)
    bodies = [
        f'{{"message": "no {secret}", "code": "{secret}", "requestId": "{secret}", "details": [{{"k": "{secret}"}}]}}',
        f'{{"success": false, "error": {{"message": {slashed}, "code": {numbered}}}}}',
        f'{{"status": "{secret}", "message": {numbered}, "code": 400}}',
        f'{{"status": "success", "success": true, "code": 0, "data": {{"totals": "{secret}", "{secret}": 1}}}}',
        f'{{"status": "success", "success": true, "code": 0, "data": {numbered}}}',
        f'{{"success": true, "data": {{"metrics": {{"{secret}": "{secret}"}}, "daily": "{secret}"}}}}',
        f"bad key {secret}",
        f"bad key {quoted} {half} {entities} {slashed} {numbered}",
        f"<html><title>bad {entities}</title>{secret}",
        "x" * 150 + secret,
        "x" * 290 + secret + "x" * 500,
        secret * 40,
        f'{{"message": "{"x" * 290}{secret}"}}',
        numbered * 9,
    ]
    headers = {"X-Request-Id": secret, "X-Echo": secret, "Retry-After": secret}
    places = [
        f"https://evil.example/{secret}?k={secret}#{secret}", f"/{quoted}/{half}", f"https://{quoted}@evil.example/",
        f"https://evil.example/{'x' * 170}{secret}", f"//{secret}/", f"http://[{secret}]/", f"data:{secret}",
    ]  # fmt: skip
    replies = [(status, headers, body) for body in bodies for status in (200, 400, 503)]
    return replies + [(302, headers | {"Location": place}, bodies[6]) for place in places]


@ONE_KIND
async def test_no_echo_shows_a_canary(kind, log):
    """If a server repeats a credential in message, code, id, header, Location or data, no error contains it."""
    replies: list[tuple[int, dict[str, str], str]] = []

    async def serve(_request: web.BaseRequest) -> web.StreamResponse:
        status, headers, body = replies[0]
        return web.Response(status=status, headers=headers, text=body, content_type="application/json")

    runner = web.ServerRunner(web.Server(serve, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    met: set[type] = set()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        secrets = {"key pair": (API_KEY, SECRET_KEY), "AIOZ token": (TOKEN,), "B3OS token": (B3OS_TOKEN,)}
        async with CLIENTS[kind](url, timeout=2.0, retry=RetryPolicy(attempts=1)) as client:
            for secret in secrets.get(kind, (METERED_TOKEN,)):
                for reply in echoes(secret):
                    replies[:] = [reply]
                    error = await error_of(client)
                    if error is None:
                        continue  # B3OS has no required field
                    assert isinstance(error, AiozBillingError), reply
                    met.add(type(error))
                    assert_error_clean(error)
    finally:
        await runner.cleanup()
    assert met >= {errors.BadRequestError, errors.ServerError, DecodeError, RedirectError}
    assert_clean(log.getvalue(), "log")


async def test_a_listing_error_shows_no_canary(simulator):
    """Errors in the tasks of a list are as clean as those of a single call."""
    simulator.fail(Fault.ECHOED_IN_200, times=99)
    async with CLIENTS["key pair"](simulator.url, timeout=5.0) as client:
        listing = client.top_ups(page_size=3, concurrency=4)
        for walk in (listing.collect(), anext(aiter(listing)), first_of(listing), anext(listing.pages())):
            with pytest.raises(DecodeError) as caught:
                await walk
            assert_error_clean(caught.value)
            assert_object_clean(listing, "listing")


async def first_of(listing):
    """Await the first page."""
    return await listing


async def test_no_coroutine_or_generator_shows_a_canary(simulator):
    """The reprs of running calls, tasks and generators, as asyncio logs them, are clean."""
    simulator.fail(Fault.HANG, times=9)
    async with CLIENTS["key pair"](simulator.url, timeout=5.0) as client:
        task = asyncio.ensure_future(client.top_ups().collect())
        await asyncio.sleep(0.03)
        stream = io.StringIO()
        for running in asyncio.all_tasks():
            if running is not asyncio.current_task():
                running.print_stack(file=stream)
                stream.write(repr(running))
        assert_clean(stream.getvalue(), "tasks")
        task.cancel()
        await asyncio.wait([task])


def test_a_secret_lives_in_one_place(monkeypatch):
    """Of all objects of a client, only a Secret contains the text; there is no second copy."""
    client = AiozBilling(token=TOKEN, rate_limit=RateLimit(1, per_s=1))
    found: list[object] = []
    seen: set[int] = set()
    waiting: list[object] = [client]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or inspect.ismodule(thing) or isinstance(thing, type) or inspect.isfunction(thing):
            continue
        seen.add(id(thing))
        if isinstance(thing, str | bytes) and "CaNaRy3" in repr(thing):
            found.append(thing)
        elif isinstance(thing, Secret):
            continue
        waiting += gc.get_referents(thing)
    assert found == []
    assert len(seen) > 20


def test_the_errors_of_this_test_would_be_seen():
    """The search of these tests finds a canary in a message, an attribute, a local, a cause and an escaped form."""

    def held(secret: str) -> None:
        raise ConnectError("lost")

    namespace: dict[str, object] = {}
    code = compile("def held(secret):\n    raise ConnectionError('lost')", "elsewhere.py", "exec")
    exec(code, namespace)
    broken = ConnectError(f"no {API_KEY}")
    attribute = ConnectError("no", hint=quote(SECRET_KEY, safe=""))
    caused = ConnectError("no")
    caused.__cause__ = ValueError(TOKEN)
    with pytest.raises(ConnectionError) as caught:
        namespace["held"](B3OS_TOKEN)
    for error in (broken, attribute, caused, caught.value):
        with pytest.raises(pytest.fail.Exception, match="is in"):
            assert_error_clean(error)
