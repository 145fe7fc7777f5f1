"""Counters for Prometheus, in a registry of their own that is passed around."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that somebody else keeps; a `total` only grows."""

    name: str
    text: str
    value: float
    total: bool = False


class _Followed(Collector):
    """Figures that are read when somebody asks."""

    def __init__(self, read: Callable[[], Iterable[Figure]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        for figure in self._read():
            family = CounterMetricFamily if figure.total else GaugeMetricFamily
            yield family(figure.name, figure.text, value=figure.value)


class Metrics:
    """What is counted; labels are route templates, kinds and codes, never ids or names."""

    content_type = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self.requests = Histogram(
            "telehealth_http_request_seconds",
            "Time to answer a request.",
            ("method", "route", "status"),
            registry=self.registry,
            buckets=_SECONDS,
        )
        self.sockets = Gauge("telehealth_sockets", "Open sockets.", ("kind",), registry=self.registry)
        self.socket_closes = Counter(
            "telehealth_socket_closes", "Sockets closed, by code.", ("kind", "code"), registry=self.registry
        )
        self.frames = Counter(
            "telehealth_device_frames", "Messages of devices, by fate.", ("fate",), registry=self.registry
        )
        self.reports = Counter(
            "telehealth_reports", "Messages of other systems, by fate.", ("source", "fate"), registry=self.registry
        )
        self.report_refusals = Counter(
            "telehealth_report_refusals",
            "Values and waves of messages that were not taken, by reason.",
            ("source", "reason"),
            registry=self.registry,
        )
        self.report_repairs = Counter(
            "telehealth_report_repairs",
            "Oddities of messages that were put right.",
            ("source", "kind"),
            registry=self.registry,
        )
        self.refused = Counter("telehealth_refused", "Requests refused by a limit.", ("limit",), registry=self.registry)
        self.errors = Counter("telehealth_errors", "Errors nobody foresaw.", ("where",), registry=self.registry)

    def follow(self, read: Callable[[], Iterable[Figure]]) -> None:
        """Include these figures from now on."""
        self.registry.register(_Followed(read))

    def text(self) -> bytes:
        """Return all figures in the text format."""
        return generate_latest(self.registry)
