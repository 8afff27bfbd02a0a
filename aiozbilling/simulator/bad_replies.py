"""The faults that are whole replies: wrong statuses, wrong bodies, redirects."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from http import HTTPStatus

import attrs
from aiohttp import web
from yarl import URL

from aiozbilling.simulator.faults import Fault, PlannedFault
from aiozbilling.simulator.reply import Reply, html, text
from aiozbilling.simulator.services import System

__all__ = ["bad_reply"]

_CREDENTIALS = {"pinning_api_key", "pinning_secret_key", "authorization"}
_LISTS = (("totals", "top_up_usages"), ("total_days", "history_usages"))


def bad_reply(planned: PlannedFault, request: web.BaseRequest, system: System, good: Reply) -> Reply:
    """Build the reply that replaces a good one."""
    fault = planned.fault
    if fault.status is not None:
        return _error(system, fault.status, planned.body)
    if fault in _BODIES:
        return Reply(200, _BODIES[fault])
    if fault in _REDIRECTS:
        return _redirect(_REDIRECTS[fault](request.url), 307 if fault is Fault.REDIRECT_307 else 302)
    match fault:
        case Fault.EMPTY_LIST | Fault.TOTAL_COLLAPSE:
            return _collapsed(good, with_rows=fault is Fault.TOTAL_COLLAPSE)
        case Fault.REJECTED_IN_200 | Fault.REJECTED_WITH_DATA:
            return system.rejection(good, with_data=fault is Fault.REJECTED_WITH_DATA)
        case Fault.ECHOED_CREDENTIALS:
            return system.refusal(400, f"could not verify {_credentials(request)}")
        case Fault.ECHOED_IN_200:
            return Reply(200, f"debug: signed with {_credentials(request)}\n".encode())
        case Fault.BROKEN_GZIP:
            return attrs.evolve(good, headers={"Content-Encoding": "gzip"})
        case Fault.INVALID_JSON:
            return attrs.evolve(good, body=good.body[: len(good.body) * 2 // 3])
        case Fault.NOT_A_NUMBER:
            return attrs.evolve(good, body=re.sub(rb"(?<=[:\[ ])-?[0-9][0-9.e+-]*(?=[,}\]])", b"NaN", good.body))
        case Fault.HTML_IN_200:
            return html(200, "Please log in")
        case _:
            return Reply(204, b"")


def _error(system: System, status: int, body: str) -> Reply:
    phrase = HTTPStatus(status).phrase
    match body:
        case "json":
            return system.refusal(status, f"{phrase} (simulated)")
        case "html":
            return html(status, phrase)
        case _:
            return text(status, phrase)


def _collapsed(good: Reply, *, with_rows: bool) -> Reply:
    """Set the total to 0 and, unless `with_rows`, the list to null; replies that hold no AIOZ list stay as they are."""
    if good.status != 200:
        return good
    envelope = json.loads(good.body)
    for total, rows in _LISTS:
        if total in envelope["data"]:
            envelope["data"] |= {total: 0} if with_rows else {total: 0, rows: None}
    return attrs.evolve(good, body=json.dumps(envelope, separators=(",", ":")).encode())


def _credentials(request: web.BaseRequest) -> str:
    return ", ".join(value for name, value in request.headers.items() if name.lower() in _CREDENTIALS)


def _wrapped(data: bytes) -> bytes:
    return b'{"code":0,"success":true,"status":"success","data":' + data + b"}"


_BODIES = {
    Fault.INVALID_UTF8: _wrapped(b'"caf\xe9 \xff"'),
    Fault.LONE_SURROGATE: _wrapped(b'"\\ud800"'),
    Fault.DEEP_NESTING: _wrapped(b"[" * 100_000 + b"]" * 100_000),
    Fault.WRONG_SHAPE: _wrapped(b'["wrong", "shape"]'),
    Fault.NO_DATA: b'{"code":0,"success":true,"status":"success"}',
    Fault.JSON_NULL: b"null",
    Fault.EMPTY_200: b"",
}


def _redirect(target: URL | None, status: int) -> Reply:
    page = html(status, HTTPStatus(status).phrase)
    return page if target is None else attrs.evolve(page, headers={"Location": str(target)})


def _other_slash(url: URL) -> URL:
    path = url.path.rstrip("/") if url.path.endswith("/") else url.path + "/"
    return url.with_path(path, keep_query=True)


_REDIRECTS: dict[Fault, Callable[[URL], URL | None]] = {
    Fault.REDIRECT_TO_OTHER_HOST: lambda url: url.with_scheme("https").with_host("evil.example").with_port(None),
    Fault.REDIRECT_TO_OTHER_PORT: lambda url: url.with_port((url.port or 80) % 65535 + 1),
    Fault.REDIRECT_TO_OTHER_SCHEME: lambda url: url.with_scheme("http" if url.scheme == "https" else "https"),
    Fault.REDIRECT_LOOP: lambda url: url,
    Fault.REDIRECT_307: _other_slash,
    Fault.REDIRECT_WITHOUT_LOCATION: lambda _: None,
}
