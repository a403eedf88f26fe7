"""The page: whether a proxy stands before it that nobody named."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from cli.doctor.finding import Finding
from cli.doctor.settings import Settings


def check(settings: Settings) -> Iterator[Finding]:
    """A public URL that we do not serve ourselves means that somebody passes requests on."""
    registry = settings.registry
    url = urlsplit(registry.public_url)
    tls_here = registry.web_certificate is not None
    ports_here = {where.port for where in registry.web_listen}
    port = url.port or (443 if url.scheme == "https" else 80)
    served_here = (url.scheme == "https") == tls_here and port in ports_here
    if not served_here and not registry.trusted_proxies:
        yield Finding(
            "proxy-unnamed",
            f"people reach the page at {registry.public_url}, which we do not serve ourselves, "
            "and no proxy is named: everybody's address would be the proxy's",
            "Name the proxy's address in MEDIASTREAMER_TRUSTED_PROXIES.",
        )
