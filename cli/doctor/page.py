"""The check for a proxy before the page that the settings do not name."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from cli.doctor.finding import Finding
from cli.doctor.settings import Settings


def check(settings: Settings) -> Iterator[Finding]:
    """Find a public URL that we do not serve ourselves: then a proxy forwards the requests."""
    registry = settings.registry
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
