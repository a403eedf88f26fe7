"""Which connections are kept; no socket is involved."""

from registry.web.server.connections import Connections, connections_for


def filled(connections: Connections[str], *clients: str) -> None:
    """Open a connection of each client, if it is taken."""
    for number, client in enumerate(clients):
        taken, _ = connections.admit(client)
        if taken:
            connections.opened(client, f"{client}{number}")


def test_a_client_has_so_many_and_no_more() -> None:
    """Others are still taken; a connection that ends makes room for the next."""
    connections: Connections[str] = Connections(most=100, most_per_client=2)
    filled(connections, "a", "a")
    assert connections.admit("a") == (False, None)
    assert connections.admit("b") == (True, None)
    connections.closed("a", "a0")
    assert connections.admit("a") == (True, None)


def test_a_proxy_of_ours_has_no_limit_of_its_own() -> None:
    """It has the connections of many people, and none is closed for others."""
    connections: Connections[str] = Connections(most=4, most_per_client=1)
    for number in range(4):
        assert connections.admit(None) == (True, None)
        connections.opened(None, str(number))
    assert connections.admit("a") == (False, None)


def test_the_largest_client_makes_room_with_what_waited_longest() -> None:
    """A household with one connection does not lose it to somebody with many."""
    connections: Connections[str] = Connections(most=4, most_per_client=4)
    connections = Connections(most=16, most_per_client=4)
    filled(connections, "household", *["a"] * 4, *["b"] * 4, *["c"] * 4, "d", "d", "d")
    assert connections.admit("new") == (True, "a1")
    assert connections.admit("new") == (True, "a2")


def test_a_connection_that_is_being_answered_is_not_closed() -> None:
    """A whole request has come; afterwards the connection waits again, as the youngest."""
    connections: Connections[str] = Connections(most=4, most_per_client=4)
    for name in "abcd":
        connections.opened(name, name)
        connections.busy(name, name)
    assert connections.admit("e") == (False, None)
    connections.idle("c", "c")
    connections.idle("a", "a")
    assert connections.admit("e") == (True, "c")


def test_descriptors_are_left_for_everything_else() -> None:
    """Fewer descriptors, fewer connections; never none."""
    assert connections_for(1_000_000) == 4000
    assert connections_for(1024) == 768
    assert connections_for(200) == 80
    assert connections_for(64) == 8
