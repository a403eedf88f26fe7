"""Who may hold how many connections."""

from smartdns.resolver.stream_limits import StreamLimits


def test_strangers_leave_most_connections_to_clients() -> None:
    """However many strangers connect, three quarters of the connections are not for them."""
    limits = StreamLimits(100, 50)
    for number in range(200):
        limits.enter(bytes([number // 256, number % 256, 1, 1]), stranger=True)
    assert sum(limits.enter(bytes([10, 0, 0, n]), stranger=False) for n in range(75)) == 75
    assert not limits.enter(b"\x0a\x01\x01\x01", stranger=False)


def test_who_left_is_forgotten() -> None:
    """Nothing of a client stays once its connections are closed, and its place is free."""
    limits = StreamLimits(10, 1)
    for _ in range(3):
        assert limits.enter(b"1234", stranger=False)
        assert not limits.enter(b"1234", stranger=False)
        limits.leave(b"1234", stranger=False)
    assert not limits._clients
