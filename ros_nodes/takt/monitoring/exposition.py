"""Samples as the text that Prometheus scrapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.registry import Collector

from takt.monitoring.metrics import COUNTER, METRICS
from takt.monitoring.samples import Sample

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Given(Collector):
    def __init__(self, given: Iterable[Sample]) -> None:
        self._given = given

    def collect(self) -> Iterator[Metric]:
        """One family a metric, in the table's order; prometheus_client adds ``_total`` to a counter's name itself."""
        families: dict[str, Metric] = {}
        for sample in self._given:
            known = METRICS[sample.metric]
            if known.name not in families:
                name = known.name.removesuffix("_total") if known.kind == COUNTER else known.name
                families[known.name] = Metric(name, known.help, known.kind)
            suffix = "_count" if sample.is_count else ""
            families[known.name].add_sample(known.name + suffix, sample.labels, sample.value)
        yield from (families[name] for name in METRICS if name in families)


def text(given: Iterable[Sample]) -> bytes:
    """The exposition of ``given``, format 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(given))
    return generate_latest(registry)
