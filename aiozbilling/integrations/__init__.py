"""Integrations with other tools, each in an extra of the same name: dlt, Spark and OpenTelemetry (``otel``)."""
