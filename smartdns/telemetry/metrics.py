"""What may be counted: sums over everybody, by outcome, and the state of our own parts.

No label comes from a query or a client. Counts of queries are rounded down to hundreds and what
is open at the moment to tens, since a count of something rare tells when it happened. For the same
reason registrations are not counted, nor anything by which one of them would be noticed.
"""

from collections.abc import Iterable, Mapping, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

COARSE = 100
_OF_CLIENTS = {"streams": 10, "queries_in_flight": 10}
"""States that clients make, and what they are rounded down to."""

Sample = Mapping[str, float]
"""What one worker gives: "queries:answered", "queries:refused" … are counts, the rest states."""


def render_metrics(roles: Mapping[str, Sequence[Sample]]) -> bytes:
    """Give the text format of Prometheus for the samples of each role's workers."""
    registry = CollectorRegistry()
    registry.register(_Samples(roles))
    return generate_latest(registry)


class _Samples(Collector):
    def __init__(self, roles: Mapping[str, Sequence[Sample]]) -> None:
        self._roles = roles

    def collect(self) -> Iterable[Metric]:
        queries = CounterMetricFamily(
            "mediastreamer_queries", "Queries by outcome, in hundreds", labels=["role", "outcome"]
        )
        state = GaugeMetricFamily(
            "mediastreamer_state", "Sum over the workers of a role", labels=["role", "what"]
        )
        for role, samples in self._roles.items():
            for name, value in sorted(_sums(samples).items()):
                kind, colon, outcome = name.partition(":")
                if colon and kind == "queries":
                    queries.add_metric([role, outcome], value // COARSE * COARSE)
                else:
                    step = _OF_CLIENTS.get(name)
                    state.add_metric([role, name], value // step * step if step else value)
        return queries, state


def _sums(samples: Sequence[Sample]) -> dict[str, float]:
    sums: dict[str, float] = {"workers": len(samples)}
    for sample in samples:
        for name, value in sample.items():
            sums[name] = sums.get(name, 0) + value
    return sums
