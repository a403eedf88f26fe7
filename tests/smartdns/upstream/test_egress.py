import ipaddress

from smartdns.upstream.egress import ORDINARY, Direct


def test_a_bound_egress_reaches_its_own_families_only() -> None:
    """Nothing of IPv6 ever leaves by another address than the region's."""
    assert Direct("192.0.2.1").reaches(4)
    assert not Direct("192.0.2.1").reaches(6)
    assert Direct(interface="wg0").reaches(6)


def test_this_machine_itself_is_reached_over_loopback() -> None:
    """A resolver on loopback takes no query from a public address, nor through an interface."""
    local, remote = ipaddress.ip_address("127.0.0.53"), ipaddress.ip_address("192.0.2.53")
    for bound in (Direct("192.0.2.7"), Direct(interface="wg0")):
        assert bound.toward(local) is ORDINARY
        assert bound.toward(remote) is bound
    assert Direct("127.0.0.9").toward(local) == Direct("127.0.0.9")
