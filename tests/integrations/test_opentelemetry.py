"""Spans and durations, read back by OpenTelemetry's own SDK."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from aiozbilling import (
    AiozBilling,
    AuthenticationError,
    ConfigurationError,
    NotSentError,
    RateLimit,
    RetryPolicy,
    ServerError,
)
from aiozbilling.export import export, sync
from aiozbilling.integrations.opentelemetry import instrument, uninstrument
from aiozbilling.simulator import Fault, Simulator

QUICK = RetryPolicy(wait_s=0.001)


class Telemetry:
    """What the SDK received."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.traces = TracerProvider()
        self.traces.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader])

    def spans(self, kind: trace.SpanKind) -> list[ReadableSpan]:
        """Return the ended spans of a kind, the first ended first."""
        return [span for span in self.exporter.get_finished_spans() if span.kind is kind]


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    found = Telemetry()
    instrument(tracer_provider=found.traces, meter_provider=found.meters)
    yield found
    uninstrument()


def client(simulator: Simulator, **settings: object) -> AiozBilling:
    """Return a client of the simulator's first account."""
    settings = {"retry": QUICK, "account": "tenant-7"} | settings
    return AiozBilling(token=simulator.token, base_url=simulator.url, **settings)  # type: ignore[arg-type]


async def test_each_attempt_is_a_client_span_inside_of_its_call(
    telemetry: Telemetry, billing_simulator: Simulator
) -> None:
    """Attempts are CLIENT spans by the semantic conventions, children of the INTERNAL span of their call."""
    billing_simulator.fail(Fault("http-503"))
    async with client(billing_simulator) as billing:
        await billing.top_ups(page_size=10, max_items=5)
    first, second = telemetry.spans(trace.SpanKind.CLIENT)
    call, _walk = telemetry.spans(trace.SpanKind.INTERNAL)
    assert first.name == second.name == call.name == "GET /api/billing/topUp"
    url = f"{billing_simulator.url}/api/billing/topUp?offset=0&limit=5"
    expected = {
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
        "server.port": billing_simulator.port,
        "url.scheme": "http",
        "url.full": url,
        "aiozbilling.account": "tenant-7",
    }
    assert first.attributes == expected | {"http.response.status_code": 503, "error.type": "503"}
    assert second.attributes == expected | {"http.response.status_code": 200, "http.request.resend_count": 1}
    assert first.status.status_code is trace.StatusCode.ERROR
    assert second.status.status_code is trace.StatusCode.UNSET
    assert call.context is not None
    assert [span.parent and span.parent.span_id for span in (first, second)] == [call.context.span_id] * 2
    assert call.attributes is not None
    assert call.attributes["aiozbilling.attempts"] == 2
    assert call.attributes["aiozbilling.outcome"] == "ok"
    assert {"aiozbilling.limiter_wait_s", "aiozbilling.backoff_s"} <= call.attributes.keys()


async def test_walks_polls_exports_and_syncs_are_spans(
    telemetry: Telemetry, billing_simulator: Simulator, tmp_path: Path
) -> None:
    """Each is an INTERNAL span with its figures, and the calls that it makes are inside of it."""
    async with client(billing_simulator) as billing:
        async for _ in billing.top_ups(page_size=100):
            pass
        await export(billing.history_usage(), tmp_path / "history.csv")
        await sync(billing, tmp_path / "ledger.db")
        news = billing.top_ups().follow(every_s=0.01)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await anext(news)
        await news.aclose()
    spans = {span.name: span for span in reversed(telemetry.spans(trace.SpanKind.INTERNAL))}
    walk = spans["walk /api/billing/topUp"]
    assert walk.attributes == {
        "aiozbilling.rows": 250,
        "aiozbilling.requests": 3,
        "aiozbilling.consistency": "static",
    }
    exported = spans["export /api/billing/historyUsage"]
    assert exported.attributes is not None
    assert exported.attributes["aiozbilling.rows"] == 120
    assert spans["sync ledger"].attributes is not None
    assert {"poll /api/billing/topUp", "walk /api/billing/historyUsage"} <= spans.keys()
    assert walk.context is not None
    inside = [span for span in telemetry.spans(trace.SpanKind.INTERNAL) if span.parent == walk.context]
    assert len(inside) == 3


async def test_a_walk_that_the_caller_leaves_is_not_an_error(
    telemetry: Telemetry, billing_simulator: Simulator
) -> None:
    """Breaking out of a list ends its span without an error; a walk that fails has the error's class."""
    async with client(billing_simulator, retry=RetryPolicy(attempts=1)) as billing:
        pages = billing.top_ups(page_size=10).pages()
        await anext(pages)
        await pages.aclose()
        billing_simulator.fail(Fault("http-503"))
        with pytest.raises(ServerError):
            await billing.top_ups(page_size=10).collect()
    left, failed = (span for span in telemetry.exporter.get_finished_spans() if span.name.startswith("walk"))
    assert left.status.status_code is trace.StatusCode.UNSET
    assert failed.status.description == "ServerError"


async def test_durations_are_a_histogram(telemetry: Telemetry, billing_simulator: Simulator) -> None:
    """Each request is one value of http.client.request.duration."""
    async with client(billing_simulator) as billing:
        for _ in range(3):
            await billing.this_month_usage()
    data = telemetry.reader.get_metrics_data()
    assert data is not None
    (metric,) = data.resource_metrics[0].scope_metrics[0].metrics
    assert (metric.name, metric.unit) == ("http.client.request.duration", "s")
    (point,) = metric.data.data_points
    assert point.count == 3  # type: ignore[union-attr]
    assert point.attributes["http.response.status_code"] == 200  # type: ignore[index]


async def test_errors_are_named_without_text_from_the_server(
    telemetry: Telemetry, billing_simulator: Simulator
) -> None:
    """An error's span has its class, and neither its text nor a credential."""
    async with client(billing_simulator).with_credentials(token="wrong-and-secret") as billing:
        with pytest.raises(AuthenticationError):
            await billing.this_month_usage()
    (attempt,) = telemetry.spans(trace.SpanKind.CLIENT)
    (call,) = telemetry.spans(trace.SpanKind.INTERNAL)
    assert attempt.attributes is not None
    assert call.attributes is not None
    assert attempt.attributes["error.type"] == "401"
    assert call.attributes["error.type"] == call.status.description == "AuthenticationError"
    assert not any("wrong-and-secret" in span.to_json() for span in telemetry.exporter.get_finished_spans())


async def test_a_cancellation_is_not_an_error(telemetry: Telemetry, billing_simulator: Simulator) -> None:
    """A call that its caller cancels ends both spans without an error, and counts in no histogram."""
    billing_simulator.behaviour.latency_s = 5
    async with client(billing_simulator) as billing:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await billing.this_month_usage()
    spans = telemetry.exporter.get_finished_spans()
    assert len(spans) == 2
    assert all(span.status.status_code is trace.StatusCode.UNSET for span in spans)
    assert all(span.attributes is not None and "error.type" not in span.attributes for span in spans)


async def test_a_call_that_is_not_sent_has_no_client_span(telemetry: Telemetry, billing_simulator: Simulator) -> None:
    """A refusal of the library's own limiter is an error of the call, without an attempt."""
    async with client(billing_simulator, rate_limit=RateLimit(1, per_s=100), max_wait_s=0.0) as billing:
        await billing.this_month_usage()
        with pytest.raises(NotSentError):
            await billing.this_month_usage()
    assert len(telemetry.spans(trace.SpanKind.CLIENT)) == 1
    _, refused = telemetry.spans(trace.SpanKind.INTERNAL)
    assert refused.attributes is not None
    assert refused.attributes["error.type"] == refused.attributes["aiozbilling.outcome"] == "not_sent"


@pytest.mark.parametrize("is_asked_for", [False, True])
async def test_the_trace_context_is_sent_only_if_asked_for(is_asked_for: bool, billing_simulator: Simulator) -> None:
    """The provider gets a traceparent only with propagate_context=True."""
    telemetry = Telemetry()
    instrument(tracer_provider=telemetry.traces, propagate_context=is_asked_for)
    try:
        async with client(billing_simulator) as billing:
            await billing.this_month_usage()
    finally:
        uninstrument()
    (request,) = billing_simulator.requests
    assert ("traceparent" in request.headers) is is_asked_for


async def test_no_span_is_current_in_the_callers_code(telemetry: Telemetry, billing_simulator: Simulator) -> None:
    """Between the rows of a list, the caller's own span is the current one."""
    tracer = telemetry.traces.get_tracer("test")
    async with client(billing_simulator) as billing:
        with tracer.start_as_current_span("mine") as mine:
            async for _ in billing.top_ups(page_size=50):
                assert trace.get_current_span() is mine


def test_a_second_instrumentation_is_refused(telemetry: Telemetry) -> None:
    """Instrumenting twice would count each request twice, and is refused."""
    with pytest.raises(ConfigurationError, match="already"):
        instrument()


def test_nothing_is_imported_where_it_is_not_used() -> None:
    """A client loads nothing of OpenTelemetry."""
    script = "import sys, aiozbilling; aiozbilling.AiozBilling(token='x' * 9); print('opentelemetry' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
