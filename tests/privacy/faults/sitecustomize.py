"""A build whose every stage breaks on a word: each exception carries all that the stage was given.

Python imports this by its name where PYTHONPATH has its folder. FAULTS is ADDRESS:PORT of the
name server that the registry asks in place of the system's.
"""

import atexit
import functools
import gc
import importlib
import os
import sys
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path
from typing import Any


class Fault(Exception):  # noqa: N818 - each is named for where it is raised
    """Carries data, as no exception of ours does."""


ALL_STAGES: dict[str, dict[str, tuple[str, str, bytes]]] = {
    "resolver": {
        "ParserFault": ("smartdns.resolver.responder", "parse_query", b"parser"),
        "FastPathFault": ("smartdns.resolver.fast.misses", "Misses._decide", b"fastpath"),
        "CacheFault": ("smartdns.answering.memory.cache", "Cache.find", b"cachefind"),
        "StoreFault": ("smartdns.answering.memory.cache", "Cache.store", b"cachestore"),
        "UpstreamFault": ("smartdns.upstream.sent_query", "parse_reply", b"upstream"),
        "CallbackFault": ("smartdns.upstream.question", "PendingQuestion._take", b"callback"),
        "ConcludeFault": ("smartdns.roles.resolver_role", "_conclude", b"conclude"),
        "RenderFault": ("smartdns.resolver.rendering", "render_reply", b"render"),
    },
    "relay": {
        "HelloFault": ("smartdns.wire.client_hello", "ClientHelloReader.feed", b"hello"),
        "HostFault": ("smartdns.wire.http_host", "HttpHostReader.feed", b"host"),
        "LookUpFault": ("smartdns.relay.origins", "Origins.find", b"lookup"),
        "OriginFault": ("smartdns.upstream.question", "PendingQuestion._take", b"origin"),
    },
    "registry": {
        "PageFault": ("flask", "Flask.dispatch_request", b"page"),
        "UpdateFault": ("registry.web.updates.dyndns2", "parse_hostnames", b"update"),
    },
}
"""Role -> exception, the module and the function that raises it, and the word it breaks on."""


def _is_compiled(module_name: str) -> bool:
    """Say so without importing it: the wrong role must not load it."""
    top, *rest = module_name.split(".")
    spec = find_spec(top)
    assert spec is not None
    path = Path((spec.submodule_search_locations or [""])[0], *rest)
    return path.with_suffix(EXTENSION_SUFFIXES[0]).exists()


STAGES = {
    role: {name: stage for name, stage in stages.items() if not _is_compiled(stage[0])}
    for role, stages in ALL_STAGES.items()
}
"""Those that can be broken: nothing takes the place of a compiled function."""


def _break(name: str, module_name: str, path: str, word: bytes) -> None:
    owner: Any = importlib.import_module(module_name)
    *way, last = path.split(".")
    owner = functools.reduce(getattr, way, owner)
    raised = type(name, (Fault,), {})
    setattr(owner, last, _breaking(getattr(owner, last), raised, word))


def _breaking(deed: Callable[..., Any], raised: type[Fault], word: bytes) -> Callable[..., Any]:
    @functools.wraps(deed)
    def breaking(*given: Any, **named: Any) -> Any:
        told = [_shown(each) for each in (*given, *named.values())]
        if any(b"fault" + word in text.lower() for text in told):
            raise raised(*given, told)
        return deed(*given, **named)

    return breaking


def _shown(value: Any) -> bytes:
    """Give the octets of a value, or of the name or the path that is in it."""
    if hasattr(value, "dispatch_request"):
        value = importlib.import_module("flask").request.full_path
    if isinstance(value, str):
        return value.encode()
    for attribute in ("question", "name", "data"):
        value = getattr(value, attribute, value)
    return bytes(value) if isinstance(value, bytes | bytearray) else b""


def _use_name_server(where: str) -> None:
    addresses = importlib.import_module("smartdns.contract.addresses")
    lookup = importlib.import_module("registry.following.lookup")
    lookup.system_name_servers = lambda: (addresses.parse_socket_address(where),)


def _break_what_is_named(named: Callable[[str], None]) -> Callable[[str], None]:
    """Break the stages of a role in the process that was forked for it, as it takes its name."""

    def naming(role: str) -> None:
        named(role)
        for name, stage in STAGES.get(role, {}).items():
            _break(name, *stage)
        if role == "registry":
            _use_name_server(os.environ["FAULTS"])
        atexit.register(gc.collect)  # an unhandled Deferred tells when it is collected

    return naming


if "FAULTS" in os.environ and sys.orig_argv[-1] == "template":
    title = importlib.import_module("smartdns.process.title")
    title.set_title = _break_what_is_named(title.set_title)
