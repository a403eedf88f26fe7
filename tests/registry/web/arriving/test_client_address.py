import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.web.arriving.client_address import (
    FORWARDING_HEADERS,
    ClientAddressError,
    find_client_address,
)
from smartdns.contract.addresses import Address

PROXIES = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8:5::/64"))


@given(
    peer=st.ip_addresses(),
    forged=st.text(max_size=60) | st.ip_addresses().map(str),
    carried=st.sets(st.sampled_from(sorted(FORWARDING_HEADERS))),
)
def test_no_header_of_an_unnamed_peer_counts(peer: Address, forged: str, carried: set[str]) -> None:
    """Whatever a stranger's headers say, the answer is its own address or a refusal."""
    if any(peer in network for network in PROXIES if network.version == peer.version):
        return
    expected = getattr(peer, "ipv4_mapped", None) or peer
    if any(expected in network for network in PROXIES if network.version == expected.version):
        return
    try:
        found = find_client_address(str(peer), forged, carried, PROXIES)
    except ClientAddressError:
        assert expected.is_loopback
    else:
        assert found == expected


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("203.0.113.9", "198.51.100.7", "203.0.113.9"),
        ("::ffff:203.0.113.9", "", "203.0.113.9"),
        ("fe80::1%eth0", "", "fe80::1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "1.1.1.1,198.51.100.7,10.9.9.9", "198.51.100.7"),
        ("10.0.0.1", "not an address, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7:4711", "198.51.100.7"),
        ("10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("2001:db8:5::1", "2001:db8::7", "2001:db8::7"),
        ("10.0.0.1", "::ffff:198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "", "127.0.0.1"),
    ],
)
def test_the_right_most_hop_that_is_not_named_is_the_client(
    peer: str, forwarded_for: str, client: str
) -> None:
    """A named proxy's header is read from the right and no further than the first stranger."""
    carried = {"host", "x-forwarded-for"} if forwarded_for else {"host"}
    found = find_client_address(peer, forwarded_for, carried, PROXIES)
    assert str(found) == client


@pytest.mark.parametrize("name", sorted(FORWARDING_HEADERS))
def test_a_proxy_on_this_machine_must_be_named(name: str) -> None:
    """A loopback peer with any forwarding header is refused, and the setting is said."""
    with pytest.raises(ClientAddressError, match="TRUSTED_PROXIES"):
        find_client_address("127.0.0.1", "198.51.100.7", {name}, ())
    with pytest.raises(ClientAddressError, match="TRUSTED_PROXIES"):
        find_client_address("::1", "", {name}, ())


def test_a_named_proxy_must_tell_the_client() -> None:
    """Without X-Forwarded-For, or with nonsense in it, nobody's address is guessed."""
    with pytest.raises(ClientAddressError, match="X-Forwarded-For"):
        find_client_address("10.0.0.1", "", {"forwarded"}, PROXIES)
    with pytest.raises(ClientAddressError, match="X-Forwarded-For") as caught:
        find_client_address("10.0.0.1", "198.51.100.7, unknown", {"x-forwarded-for"}, PROXIES)
    assert "198.51.100.7" not in str(caught.value)


@pytest.mark.parametrize("hops", ["10.0.0.5", "10.0.0.5, 10.0.0.6", "2001:db8:5::9,10.9.9.9"])
def test_a_request_without_any_client_is_refused(hops: str) -> None:
    """If every hop is named, one of them is wrongly named: nobody's address is guessed."""
    with pytest.raises(ClientAddressError, match="must name proxies only"):
        find_client_address("10.0.0.1", hops, {"x-forwarded-for"}, PROXIES)


@pytest.mark.parametrize(
    "hops", [",", "198.51.100.7,", ",198.51.100.7", "198.51.100.7,,10.0.0.5", "198.51.100.7, ,"]
)
def test_an_empty_hop_is_an_error(hops: str) -> None:
    """It is not skipped: a proxy that leaves one empty does not know its client."""
    with pytest.raises(ClientAddressError, match="empty"):
        find_client_address("10.0.0.1", hops, {"x-forwarded-for"}, PROXIES)
