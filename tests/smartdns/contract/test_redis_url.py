"""Where Redis is: every form that is taken, and the others refused without repeating them."""

import pytest

from smartdns.contract.redis_url import SentinelService, parse_redis_url


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/0",
        "redis://user:secret@redis.example",
        "rediss://[2001:db8::1]:6380/3",
        "unix:///run/redis.sock?db=1",
    ],
)
def test_a_single_server_is_taken_as_it_is(url: str) -> None:
    """The client library reads these itself."""
    assert parse_redis_url(f" {url}\n") == url


def test_sentinels_are_taken_apart() -> None:
    """Hosts with and without port, both families, credentials of the servers and of Sentinel."""
    place = parse_redis_url(
        "redis+sentinel://us%40er:p%2Fw@a.example,10.0.0.2:5000,[2001:db8::3]:5001/main/2"
        "?sentinel_password=x%20y"
    )
    assert isinstance(place, SentinelService)
    assert place.sentinels == (("a.example", 26379), ("10.0.0.2", 5000), ("2001:db8::3", 5001))
    assert (place.service, place.database) == ("main", 2)
    assert place.url_of("10.0.0.9", 6379) == "redis://us%40er:p%2Fw@10.0.0.9:6379/2"
    assert place.url_of("2001:db8::9", 6379).endswith("@[2001:db8::9]:6379/2")
    assert place.url_of_sentinel("a.example", 26379) == "redis://:x%20y@a.example:26379"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:6379",
        "http://secret.example/",
        "redis://",
        "redis://secret:port/0",
        "redis://secret/database",
        "unix://",
        "redis+sentinel://secret:26379",
        "redis+sentinel:///service",
        "redis+sentinel://secret:x/service",
        "redis+sentinel://secret/service/x",
    ],
)
def test_anything_else_is_refused_and_not_repeated(url: str) -> None:
    """The error says what is taken; the text, which may hold a password, is not in it."""
    with pytest.raises(ValueError, match="takes redis://") as error:
        parse_redis_url(url)
    assert "secret" not in str(error.value)
