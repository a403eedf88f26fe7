"""Where Redis is: one server by its URL, or the server that the Sentinels name as master.

redis://[USER:PASSWORD@]HOST[:PORT][/DB]    rediss://… over TLS    unix:///PATH[?db=N]
redis+sentinel://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]…]/SERVICE[/DB][?sentinel_password=…]
"""

from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlsplit

SENTINEL_PORT = 26379
_TAKES = (
    "takes redis://HOST:PORT/DB, rediss://…, unix:///PATH "
    "or redis+sentinel://HOST:PORT,HOST:PORT/SERVICE/DB"
)


@dataclass(frozen=True, slots=True, repr=False)
class SentinelService:
    """A master found through Sentinels; credentials are those of the Redis servers."""

    sentinels: tuple[tuple[str, int], ...]
    service: str
    database: int = 0
    credentials: str = ""
    """"user:password@" as in a URL, or nothing."""
    sentinel_password: str | None = None

    def url_of(self, host: str, port: int) -> str:
        """URL of one server of the service."""
        bracketed = f"[{host}]" if ":" in host else host
        return f"redis://{self.credentials}{bracketed}:{port}/{self.database}"

    def url_of_sentinel(self, host: str, port: int) -> str:
        """URL of one of the Sentinels."""
        bracketed = f"[{host}]" if ":" in host else host
        secret = f":{quote(self.sentinel_password, safe='')}@" if self.sentinel_password else ""
        return f"redis://{secret}{bracketed}:{port}"


def parse_redis_url(text: str) -> str | SentinelService:
    """Check the URL of a single server, or take one of Sentinels apart.

    Raises ValueError, without the text since that may hold a password.
    """
    try:
        parts = urlsplit(text.strip())
        if parts.scheme == "redis+sentinel":
            return _sentinel_service(parts)
        if parts.scheme == "unix" and parts.path:
            return text.strip()
        if parts.scheme in {"redis", "rediss"} and parts.hostname:
            int(parts.path.strip("/") or 0)
            parts.port  # noqa: B018 - raises ValueError for a port that is none
            return text.strip()
    except ValueError:
        pass
    raise ValueError(_TAKES)


def _sentinel_service(parts: SplitResult) -> SentinelService:
    at = parts.netloc.rpartition("@")
    service, _, database = parts.path.strip("/").partition("/")
    sentinels = tuple(_host_and_port(word) for word in at[2].split(","))
    if not service:
        raise ValueError("the Sentinel service is not named")
    return SentinelService(
        sentinels,
        unquote(service),
        int(database or 0),
        at[0] + at[1],
        parse_qs(parts.query).get("sentinel_password", [None])[0],
    )


def _host_and_port(word: str) -> tuple[str, int]:
    parts = urlsplit(f"//{word}")
    if not parts.hostname:
        raise ValueError("a Sentinel has no host")
    return parts.hostname, parts.port or SENTINEL_PORT
