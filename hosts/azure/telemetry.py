"""Telemetry in Azure: OpenTelemetry, exported to Application Insights in the background."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any

from azure.monitor.opentelemetry.exporter import (
    AzureMonitorLogExporter,
    AzureMonitorMetricExporter,
    AzureMonitorTraceExporter,
)
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from fleet.instruments import EVENTS, METRICS, SPANS, Instrument
from fleet.telemetry import TRACEPARENT, Attributes
from hosts.azure.cloud import Cloud

if TYPE_CHECKING:
    from opentelemetry.metrics import Counter, Histogram, Meter
    from opentelemetry.metrics import _Gauge as Gauge

NAME = "driftwarden"
CUSTOM_EVENT = "microsoft.custom_event.name"
EXPORT_EVERY_MS = 60_000
#: Disables the exporter's own telemetry and remote configuration, which call further hosts.
QUIET = {
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED": "true",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
    "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED": "true",
}
CHATTY = ("azure.core.pipeline.policies.http_logging_policy", "azure.monitor.opentelemetry")


class AzureTelemetry:
    """See `fleet.telemetry.Telemetry`; data that cannot be exported is dropped.

    Nothing global is set, so it stands beside whatever the Functions worker has configured.

    Parameters
    ----------
    connection : Application Insights' connection string.
    cloud : its credential is asked for tokens (role Monitoring Metrics Publisher), as a resource
        whose local authentication is off wants; None where the instrumentation key is enough.
    """

    def __init__(self, connection: str, cloud: Cloud | None = None) -> None:
        for setting, value in QUIET.items():
            os.environ.setdefault(setting, value)
        for logger in CHATTY:
            logging.getLogger(logger).setLevel(logging.WARNING)
        # Only a shutdown waits for an export: two attempts, nothing is kept on disk.
        how: dict[str, Any] = {
            "connection_string": connection,
            "disable_offline_storage": True,
            "retry_total": 1,
            "retry_backoff_max": 2,
        }
        if cloud is not None:
            how |= {"credential": cloud.credential, "connection_verify": cloud.verify}
        resource = Resource({"service.name": NAME})
        reader = PeriodicExportingMetricReader(AzureMonitorMetricExporter(**how), EXPORT_EVERY_MS)
        self._metrics = MeterProvider([reader], resource)
        # The sampling flag of an event's sender is ignored.
        self._spans = TracerProvider(ALWAYS_ON, resource)
        self._spans.add_span_processor(BatchSpanProcessor(AzureMonitorTraceExporter(**how)))
        self._logs = LoggerProvider(resource)
        self._logs.add_log_record_processor(BatchLogRecordProcessor(AzureMonitorLogExporter(**how)))
        self._tracer, self._logger = self._spans.get_tracer(NAME), self._logs.get_logger(NAME)
        self._instruments = _instruments(self._metrics.get_meter(NAME))
        self._context = TraceContextTextMapPropagator()

    @contextmanager
    def span(self, name: str, attributes: Attributes, parent: str = "") -> Iterator[dict[str, str]]:
        """See `fleet.telemetry.Telemetry`."""
        shape, said = SPANS[name], dict(attributes)
        began = perf_counter()
        # An exception's text may hold private data: only its class is exported.
        with self._tracer.start_as_current_span(
            name,
            self._context.extract({TRACEPARENT: parent}) if parent else None,
            SpanKind.CONSUMER if shape.consumes else SpanKind.INTERNAL,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield said
            except Exception as error:
                span.set_status(StatusCode.ERROR, type(error).__name__)
                raise
            finally:
                span.set_attributes({name: said[name] for name in shape.attributes if name in said})
                if shape.duration:
                    self.add(shape.duration, perf_counter() - began, said)

    def add(self, metric: str, value: float, attributes: Attributes) -> None:
        """See `fleet.telemetry.Telemetry`."""
        shape = METRICS[metric]
        said = {name: attributes[name] for name in shape.attributes}
        self._instruments[metric](value, said)

    def event(self, name: str, attributes: Attributes) -> None:
        """See `fleet.telemetry.Telemetry`."""
        said = {n: attributes[n] for n in EVENTS[name].attributes if n in attributes}
        self._logger.emit(attributes={CUSTOM_EVENT: name, **said})

    def traceparent(self) -> str:
        """See `fleet.telemetry.Telemetry`."""
        carrier: dict[str, str] = {}
        self._context.inject(carrier)
        return carrier.get(TRACEPARENT, "")

    def close(self) -> None:
        """Export the waiting data and stop."""
        for provider in (self._spans, self._metrics, self._logs):
            provider.shutdown()


def _instruments(meter: Meter) -> dict[str, Any]:
    """Return the instrument of each metric."""

    def taker(name: str) -> Any:
        metric = METRICS[name]
        words = (metric.name, metric.unit, metric.description)
        match metric.instrument:
            case Instrument.GAUGE:
                gauge: Gauge = meter.create_gauge(*words)
                return gauge.set
            case Instrument.COUNTER:
                counter: Counter = meter.create_counter(*words)
                return counter.add
            case Instrument.HISTOGRAM:
                histogram: Histogram = meter.create_histogram(*words)
                return histogram.record

    return {name: taker(name) for name in METRICS}
