"""Which way queries took: what the authority counts for every server, and what ours tells."""

import re
import socket
import urllib.request
from collections import Counter

from bench.load import HOST
from bench.queries import render

_COUNT = re.compile(r'^mediastreamer_queries_total\{.*outcome="([^"]+)".*\} (\S+)$', re.MULTILINE)


def asked_upstream(port: int) -> int:
    """Give how many queries the authority at `port` has had so far."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(render("asked.example"), (HOST, port))
        return int.from_bytes(client.recv(4096)[-4:])


def outcomes(metrics: int | None) -> Counter[str] | None:
    """Give how many queries ours answered in each way so far, in hundreds; None where unknown.

    Others do not tell, and ours tells nobody while it is overwhelmed.
    """
    if metrics is None:
        return None
    try:
        with urllib.request.urlopen(f"http://{HOST}:{metrics}/", timeout=5) as reply:
            text = reply.read().decode()
    except OSError:
        return None
    return Counter({way: int(float(count)) for way, count in _COUNT.findall(text)})
