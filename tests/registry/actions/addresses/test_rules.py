import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.actions.addresses.rules import AddressRules, NetworkSet, caution_about, judge_address
from registry.actions.errors import AddressDoubtful, AddressRefused
from smartdns.contract.addresses import AddressKind, kind_of, parse_network

EXAMPLES = {
    AddressKind.PRIVATE: ["10.0.0.1", "172.16.0.1", "192.168.1.1", "fd00::1"],
    AddressKind.CARRIER_NAT: ["100.64.0.1"],
    AddressKind.LOOPBACK: ["127.0.0.1", "::1"],
    AddressKind.LINK_LOCAL: ["169.254.0.1", "fe80::1"],
    AddressKind.MULTICAST: ["224.0.0.1", "ff02::1"],
    AddressKind.DOCUMENTATION: ["192.0.2.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    AddressKind.MAPPED: ["::ffff:8.8.8.8"],
    AddressKind.NAT64: ["64:ff9b::808:808", "64:ff9b:1::1"],
    AddressKind.SIX_TO_FOUR: ["2002:808:808::1"],
    AddressKind.TEREDO: ["2001:0:1::1"],
    AddressKind.UNSPECIFIED: ["0.0.0.0", "::"],
    AddressKind.RESERVED: ["240.0.0.1", "255.255.255.255", "0.1.2.3", "192.0.0.1", "4000::1"],
    AddressKind.GLOBAL: ["8.8.8.8", "2a00:1450::1"],
}
AT_HOME = {AddressKind.GLOBAL, AddressKind.PRIVATE, AddressKind.CARRIER_NAT, AddressKind.LOOPBACK}


def test_every_kind_has_an_example() -> None:
    """The tables below leave no kind of address out."""
    assert set(EXAMPLES) == set(AddressKind)


@pytest.mark.parametrize(("kind", "text"), [(k, t) for k, ts in EXAMPLES.items() for t in ts])
def test_public_installation_takes_global_addresses_only(kind: AddressKind, text: str) -> None:
    """Every address but a global one is refused, with the kind as the refusal's code."""
    address = ipaddress.ip_address(text)
    if kind is AddressKind.GLOBAL:
        judge_address(address, AddressRules())
        return
    with pytest.raises(AddressRefused) as refusal:
        judge_address(address, AddressRules())
    assert refusal.value.code == kind.name.lower()
    assert text not in str(refusal.value)


@pytest.mark.parametrize(("kind", "text"), [(k, t) for k, ts in EXAMPLES.items() for t in ts])
def test_household_installation_takes_private_ones_too(kind: AddressKind, text: str) -> None:
    """With PRIVATE_SOURCES private, loopback and carrier addresses pass, and still no others."""
    rules = AddressRules(private_allowed=True)
    address = ipaddress.ip_address(text)
    if kind in AT_HOME:
        judge_address(address, rules)
    else:
        with pytest.raises(AddressRefused):
            judge_address(address, rules)


@given(st.ip_addresses())
def test_judgement_is_total(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """Any address either passes and is global, or is refused with its kind."""
    code = kind_of(address).name.lower()
    if code == "global":
        judge_address(address, AddressRules())
        return
    with pytest.raises(AddressRefused) as refusal:
        judge_address(address, AddressRules())
    assert refusal.value.code == code


def test_our_own_addresses_are_refused() -> None:
    """A request that came through our own relay does not register the relay, insisted or not."""
    rules = AddressRules(own=frozenset({ipaddress.ip_address("8.8.8.8")}))
    with pytest.raises(AddressRefused) as refusal:
        judge_address(ipaddress.ip_address("8.8.8.8"), rules, insisting=True)
    assert refusal.value.code == "own"
    judge_address(ipaddress.ip_address("8.8.8.9"), rules)


def test_known_networks_need_insistence() -> None:
    """A VPN's address is registered only when its owner says so after reading what to do."""
    rules = AddressRules(known=NetworkSet({parse_network("8.8.0.0/16"): "vpn"}))
    with pytest.raises(AddressDoubtful, match="Switch the VPN off"):
        judge_address(ipaddress.ip_address("8.8.4.4"), rules)
    judge_address(ipaddress.ip_address("8.8.4.4"), rules, insisting=True)
    judge_address(ipaddress.ip_address("8.9.4.4"), rules)


@given(st.lists(st.ip_addresses(v=6), max_size=5), st.integers(0, 128), st.ip_addresses())
def test_network_set_finds_what_a_search_finds(
    addresses: list[ipaddress.IPv6Address],
    length: int,
    wanted: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    """Looking up by prefix length agrees with asking every network in turn."""
    networks = [ipaddress.ip_network((a, length), strict=False) for a in addresses]
    found = NetworkSet(dict.fromkeys(networks, "vpn")).find(wanted)
    assert (found is not None) == any(wanted in n for n in networks if n.version == wanted.version)


@pytest.mark.parametrize(
    ("network", "says"),
    [
        ("8.8.8.8", None),
        ("2a00:1450::/48", None),
        ("2a00::/32", "more than one household"),
        ("8.8.8.0/24", "more than one household"),
        ("192.168.1.0/24", "private"),
        ("127.0.0.1", "loopback"),
    ],
)
def test_odd_networks_of_an_operator_are_named(network: str, says: str | None) -> None:
    """What an operator types is obeyed; a warning says what is odd about it."""
    oddity = caution_about(parse_network(network))
    assert oddity is None if says is None else says in str(oddity)
