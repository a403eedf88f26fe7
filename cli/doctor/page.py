"""Checks of the proxies before the page: whether one is not named, or too much is."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from cli.doctor.finding import Finding
from cli.doctor.settings import Settings
from registry.actions.addresses.rules import is_wide


def check(settings: Settings) -> Iterator[Finding]:
    """Find wide networks of proxies, and a public URL that we do not serve ourselves.

    Where we do not serve it, a proxy forwards the requests.
    """
    registry = settings.registry
    for network in filter(is_wide, registry.trusted_proxies):
        yield Finding(
            "proxies-wide",
            f"MEDIASTREAMER_TRUSTED_PROXIES names {network}: "
            "every machine in it can register any address for anybody",
            "Name the addresses of the proxies only.",
            grave=False,
        )
    url = urlsplit(registry.public_url)
    tls_here = registry.web_certificate is not None
    ports_here = {where.port for where in registry.web_listen}
    port = url.port or (443 if url.scheme == "https" else 80)
    served_here = (url.scheme == "https") == tls_here and port in ports_here
    if not served_here and not registry.trusted_proxies:
        yield Finding(
            "proxy-unnamed",
            f"the page's address is {registry.public_url}, which we do not serve ourselves, "
            "and no proxy is set: everybody would have the address of the proxy",
            "Set MEDIASTREAMER_TRUSTED_PROXIES to the address of the proxy.",
        )
