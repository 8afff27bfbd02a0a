"""Spans and a histogram with OpenTelemetry. Needs the extra ``otel``.

Source: OpenTelemetry semantic conventions 1.44, HTTP client spans and HTTP client metrics.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import attrs

from aiozbilling.errors import ConfigurationError, NotSentError
from aiozbilling.exchange.observer import Facts, Kind, Observed, observe, observer

try:
    from opentelemetry import context, metrics, propagate, trace
except ImportError:
    raise ConfigurationError("OpenTelemetry is not installed: pip install 'aiozbilling[otel]'") from None

__all__ = ["instrument", "uninstrument"]

_NAME = "aiozbilling"
_SCHEMA = "https://opentelemetry.io/schemas/1.44.0"
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
# Set while a request is sent, so that an instrumentation of the HTTP library does not record a second span.
_SUPPRESSED = {"suppress_instrumentation": True, "suppress_http_instrumentation": True}


def instrument(
    *,
    tracer_provider: trace.TracerProvider | None = None,
    meter_provider: metrics.MeterProvider | None = None,
    propagate_context: bool = False,
) -> None:
    """Record spans and a histogram for all clients of this process from now on.

    Each attempt is a CLIENT span and is recorded in the histogram ``http.client.request.duration``. Each call, walk,
    poll, export and sync is an INTERNAL span. A cancellation by the caller is not an error.

    Args:
        tracer_provider: provider for the spans. Default: the global one.
        meter_provider: provider for the histogram. Default: the global one.
        propagate_context: whether to send the trace context (``traceparent``) to the provider.

    Raises:
        ConfigurationError: this process is instrumented already.
    """
    if observer() is not None:
        raise ConfigurationError("this process is instrumented already: call uninstrument() first")
    meter = metrics.get_meter(_NAME, meter_provider=meter_provider, schema_url=_SCHEMA)
    durations = meter.create_histogram(
        "http.client.request.duration",
        unit="s",
        description="Duration of HTTP client requests.",
        explicit_bucket_boundaries_advisory=_BUCKETS,
    )
    tracer = trace.get_tracer(_NAME, tracer_provider=tracer_provider, schema_url=_SCHEMA)
    observe(_Instrumentation(tracer, durations, propagate_context))


def uninstrument() -> None:
    """Stop recording. Operations that are running still end their spans."""
    observe(None)


@attrs.frozen(eq=False)
class _Instrumentation:
    tracer: trace.Tracer
    durations: metrics.Histogram
    propagate_context: bool

    def began(self, kind: Kind, name: str, facts: Facts) -> Observed:
        """Begin a span; its parent is the current one."""
        if kind == "attempt":
            return _Attempt(self, name, facts)
        attributes = {f"aiozbilling.{key}": value for key, value in facts.items() if value != ""}
        title = name if kind == "call" else f"{kind} {name}"
        return _Operation(self.tracer.start_span(title, kind=trace.SpanKind.INTERNAL, attributes=attributes))


class _Inside:
    """Makes a context current. A generator with `contextmanager` would take three times as long."""

    __slots__ = ("_context", "_token")

    def __init__(self, current: context.Context) -> None:
        self._context = current

    def __enter__(self) -> None:
        self._token = context.attach(self._context)

    def __exit__(self, *_: object) -> None:
        context.detach(self._token)


class _Operation:
    """A call, a walk, a poll, an export or a sync."""

    headers: Mapping[str, str] = {}

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def inside(self) -> _Inside:
        """Make the span current for what begins inside."""
        return _Inside(trace.set_span_in_context(self._span))

    def ended(self, facts: Facts, error: BaseException | None = None) -> None:
        """End the span."""
        if self._span.is_recording():
            self._span.set_attributes({f"aiozbilling.{key}": value for key, value in facts.items()})
        _finish(self._span, error)


class _Attempt:
    """One request."""

    def __init__(self, instrumentation: _Instrumentation, name: str, facts: Facts) -> None:
        self._durations = instrumentation.durations
        self._begun = time.perf_counter()
        url = str(facts["url"])
        self._measured = _server(url[: url.find("/", len("https://"))])
        attributes: dict[str, Any] = self._measured | {"url.full": url}
        if facts["resends"]:
            attributes["http.request.resend_count"] = facts["resends"]
        if facts["account"]:
            attributes["aiozbilling.account"] = facts["account"]
        self._span = instrumentation.tracer.start_span(name, kind=trace.SpanKind.CLIENT, attributes=attributes)
        self._headers: dict[str, str] = {}
        if instrumentation.propagate_context:
            propagate.inject(self._headers, context=trace.set_span_in_context(self._span))

    @property
    def headers(self) -> Mapping[str, str]:
        """The trace context, if it is propagated."""
        return self._headers

    def inside(self) -> _Inside:
        """Keep other instrumentations from making spans of the request."""
        return _Inside(context.Context(trace.set_span_in_context(self._span) | _SUPPRESSED))

    def ended(self, facts: Facts, error: BaseException | None = None) -> None:
        """End the span, and record the duration of the request."""
        status = facts.get("status")
        found: dict[str, Any] = {}
        if isinstance(status, int):
            found["http.response.status_code"] = status
        kind = str(status) if isinstance(status, int) and status >= 400 else _error_type(error)
        if kind:
            found["error.type"] = kind
        if not isinstance(error, asyncio.CancelledError):
            self._durations.record(time.perf_counter() - self._begun, self._measured | found)
        self._span.set_attributes(found)
        if kind and error is None:
            self._span.set_status(trace.StatusCode.ERROR)
        _finish(self._span, error)


@lru_cache(64)
def _server(origin: str) -> dict[str, Any]:
    scheme, _, place = origin.partition("://")
    host, _, port = place.rpartition(":")
    if not port.isdigit():  # no port in the URL
        host, port = place, "443" if scheme == "https" else "80"
    return {
        "http.request.method": "GET",
        "server.address": host.strip("[]"),
        "server.port": int(port),
        "url.scheme": scheme,
    }


def _error_type(error: BaseException | None) -> str:
    return "" if error is None or isinstance(error, asyncio.CancelledError) else type(error).__qualname__


def _finish(span: trace.Span, error: BaseException | None) -> None:
    """End a span. Only the class of the error is recorded, because its message may repeat text from the server."""
    if kind := _error_type(error):
        span.set_attribute("error.type", "not_sent" if isinstance(error, NotSentError) else kind)
        span.set_status(trace.StatusCode.ERROR, kind)
    span.end()
