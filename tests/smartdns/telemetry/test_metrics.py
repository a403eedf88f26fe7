"""What may be counted, and how it is served."""

import http.client

import pytest
from twisted.internet import reactor
from twisted.internet.defer import succeed
from twisted.internet.threads import deferToThread

from smartdns.contract.addresses import parse_socket_address
from smartdns.contract.configuration import SettingError
from smartdns.telemetry.metrics import render_metrics
from smartdns.telemetry.metrics_http import serve_metrics
from tests.peers.ports import free_port

SAMPLE = {"queries:answered": 1_234.0, "queries:refused": 7.0, "streams": 13.0, "ready": 1.0}


def test_counts_of_all_workers_are_summed_and_coarse() -> None:
    """A count says hundreds; one that is rare says nothing at all."""
    text = render_metrics({"resolver": [SAMPLE, SAMPLE]}).decode()
    assert 'mediastreamer_queries_total{outcome="answered",role="resolver"} 2400.0' in text
    assert 'mediastreamer_queries_total{outcome="refused",role="resolver"} 0.0' in text
    assert 'mediastreamer_state{role="resolver",what="streams"} 20.0' in text
    assert 'mediastreamer_state{role="resolver",what="workers"} 2.0' in text


def test_nothing_tells_when_something_was_counted() -> None:
    """No series of creation times, which would be the time of somebody's first query."""
    assert "_created" not in render_metrics({"resolver": [SAMPLE]}).decode()


async def test_the_endpoint_says_the_metrics_and_no_more() -> None:
    """Without a Server header; a port that is taken is said."""
    where = parse_socket_address(f"127.0.0.1:{free_port()}")
    text = render_metrics({"resolver": [SAMPLE]})
    port = serve_metrics(reactor, where, lambda: succeed(text))  # type: ignore[arg-type]

    def get(path: str) -> tuple[int, bytes, str | None]:
        connection = http.client.HTTPConnection("127.0.0.1", where.port, timeout=60)
        connection.request("GET", path, headers={"Connection": "close"})
        reply = connection.getresponse()
        return reply.status, reply.read(), reply.getheader("Server")

    assert await deferToThread(get, "/metrics") == (200, text, None)
    with pytest.raises(SettingError, match="MEDIASTREAMER_METRICS"):
        serve_metrics(reactor, where, lambda: succeed(text))  # type: ignore[arg-type]
    await port.stopListening()
