"""dnsmasq's configuration: `address=/x/192.0.2.1`, `server=/x/192.0.2.1` are x and all below."""

import re
from collections.abc import Iterator

from zones.importing.lines import LeftOut, Line, Listed, numbered, wildcard

_OPTIONS = frozenset({"address", "server", "local", "ipset", "nftset", "rev-server"})
_COMMENT = re.compile(r"(^|\s)#.*")


def read_dnsmasq(text: str, file: str) -> Iterator[Line]:
    """Each name of each option that takes `/name/…/value`."""
    for place, line in numbered(text, file):
        code = _COMMENT.sub("", line).strip()
        if not code:
            continue
        option, _, value = code.removeprefix("--").partition("=")
        parts = value.strip().split("/")
        if option.strip() not in _OPTIONS or parts[0] or len(parts) < 3:
            yield LeftOut(place, code, "names no domain; `address=/x/…` or `server=/x/…` would")
            continue
        for name in parts[1:-1]:
            yield _name(place, name, parts[-1])


def _name(place: str, name: str, value: str) -> Line:
    if name in {"", "#"}:
        return LeftOut(place, f"/{name}/", "stands for all names, or for those without a dot")
    if value == "#":
        return Listed(place, "never", name, "goes to the ordinary servers (#)")
    return wildcard(place, name, plain="suffix")
