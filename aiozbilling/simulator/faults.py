"""Every way in which one reply can go wrong, by name."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, Self

import attrs

from aiozbilling.simulator.accounts import Account

__all__ = ["Fault", "PlannedFault"]


class Fault(StrEnum):
    """A fault of a reply. `.doc` describes it, and `.status` is the HTTP status of an ``http-…`` fault."""

    doc: str

    def __new__(cls, value: str, doc: str = "") -> Self:
        """Keep the description with the name."""
        fault = str.__new__(cls, value)
        fault._value_ = value
        fault.doc = doc
        return fault

    HTTP_400 = "http-400", "bad request"
    HTTP_401 = "http-401", "the credentials are refused"
    HTTP_403 = "http-403", "the credentials are valid but lack permission"
    HTTP_404 = "http-404", "not found"
    HTTP_408 = "http-408", "the server waited too long for the request"
    HTTP_418 = "http-418", "an unexpected status"
    HTTP_422 = "http-422", "a parameter is invalid"
    HTTP_425 = "http-425", "too early"
    HTTP_429 = "http-429", "too many requests, without Retry-After unless headers= sets one"
    HTTP_500 = "http-500", "internal server error"
    HTTP_502 = "http-502", "bad gateway"
    HTTP_503 = "http-503", "service unavailable"
    HTTP_504 = "http-504", "gateway timeout"
    EMPTY_LIST = "empty-list", "a 200 whose total is 0 and whose list is null, while the rows exist"
    TOTAL_COLLAPSE = "total-collapse", "a 200 with the right rows whose total is 0"
    REJECTED_IN_200 = "rejected-in-200", "a 200 whose envelope reports failure and has no data"
    REJECTED_WITH_DATA = "rejected-with-data", "a 200 whose envelope reports failure next to good data"
    ECHOED_CREDENTIALS = "echoed-credentials", "a 400 whose message repeats all credentials that were sent"
    ECHOED_IN_200 = "echoed-in-200", "a 200 that is not JSON and repeats all credentials that were sent"
    CONNECTION_DROPPED = "connection-dropped", "the connection is closed before the reply"
    CONNECTION_RESET = "connection-reset", "the connection is reset before the reply"
    DROPPED_AFTER_HEADERS = "dropped-after-headers", "the connection is closed after the headers"
    TRUNCATED_BODY = "truncated-body", "the connection is closed in the middle of the body"
    DRIPPING_BODY = "dripping-body", "the body comes in tiny pieces, see Behaviour.drip_*"
    HANG = "hang", "no reply ever comes"
    HANG_AFTER_HEADERS = "hang-after-headers", "the headers come, the body never does"
    GIGANTIC_BODY = "gigantic-body", "a body of Behaviour.gigantic_bytes, of unknown length"
    GIGANTIC_LENGTH = "gigantic-length", "a Content-Length of 1 TiB, then bytes without end"
    GZIP_BOMB = "gzip-bomb", "a small gzip body that decompresses to Behaviour.gigantic_bytes"
    BROKEN_GZIP = "broken-gzip", "Content-Encoding: gzip on a body that is not compressed"
    INVALID_JSON = "invalid-json", "JSON that ends in the middle"
    INVALID_UTF8 = "invalid-utf8", "JSON with a byte that is not UTF-8"
    LONE_SURROGATE = "lone-surrogate", "JSON with half of a surrogate pair"
    NOT_A_NUMBER = "not-a-number", "good data with NaN for every number"
    DEEP_NESTING = "deep-nesting", "100,000 nested lists"
    WRONG_SHAPE = "wrong-shape", "a success whose data is a list of text"
    NO_DATA = "no-data", "a success without data"
    JSON_NULL = "json-null", "the body is null"
    HTML_IN_200 = "html-in-200", "a 200 with a login page, as in hotel networks"
    EMPTY_200 = "empty-200", "a 200 with an empty body"
    NO_CONTENT = "no-content", "a 204"
    NOT_HTTP = "not-http", "bytes that are not HTTP"
    HUGE_HEADERS = "huge-headers", "a header of 1 MiB"
    REDIRECT_TO_OTHER_HOST = "redirect-to-other-host", "a 302 to the same path on another host"
    REDIRECT_TO_OTHER_PORT = "redirect-to-other-port", "a 302 to the same path on another port"
    REDIRECT_TO_OTHER_SCHEME = "redirect-to-other-scheme", "a 302 from http to https, or back, on the same host"
    REDIRECT_LOOP = "redirect-loop", "a 302 to itself"
    REDIRECT_307 = "redirect-307", "a 307 to the same path with, or without, a trailing slash"
    REDIRECT_WITHOUT_LOCATION = "redirect-without-location", "a 302 without a Location header"

    @property
    def status(self) -> int | None:
        """The HTTP status of an `http-…` fault."""
        return int(self.value[5:]) if self.value.startswith("http-") else None


@attrs.define(eq=False)
class PlannedFault:
    """A fault and the requests that it applies to; see `Simulator.fail`."""

    fault: Fault
    times: int | None
    path: str | None
    account: Account | None
    after: int
    every: int
    for_s: float | None
    body: Literal["json", "html", "text"]
    headers: dict[str, str]
    _seen: int = attrs.field(default=0, init=False)
    _ends_at: float | None = attrs.field(default=None, init=False)

    def applies(self, path: str, account: Account | None, at: float) -> bool:
        """Decide whether a request suffers this fault, and count it."""
        if self.is_over(at) or (self.path is not None and self.path not in path):
            return False
        if self.account is not None and self.account is not account:
            return False
        self._seen += 1
        if self._seen <= self.after or (self._seen - self.after) % self.every:
            return False
        if self.for_s is not None and self._ends_at is None:
            self._ends_at = at + self.for_s
        if self.times is not None:
            self.times -= 1
        return True

    def is_over(self, at: float) -> bool:
        """Decide whether no request can suffer this fault any more."""
        return (self.times is not None and self.times <= 0) or (self._ends_at is not None and at >= self._ends_at)
