import pytest

from registry.actions.addresses.rules import AddressRules
from registry.actions.updaters.claims import Answers, claim_of
from smartdns.contract.addresses import parse_address, parse_network


def answers(ipv4: str | None, ipv6: str | None) -> Answers:
    """Answers for both families, written as words; None: no answer."""
    given = {4: ipv4, 6: ipv6}
    return {
        family: None if text is None else [parse_address(word) for word in text.split()]
        for family, text in given.items()
    }


@pytest.mark.parametrize(
    ("ipv4", "ipv6", "claimed", "kept"),
    [
        ("8.8.8.8", "", ["8.8.8.8/32"], []),
        ("8.8.8.8", "2a00:1450::9", ["8.8.8.8/32", "2a00:1450::/64"], []),
        ("9.9.9.9 8.8.8.8", "", ["9.9.9.9/32"], []),
        ("192.168.1.1", "", [], []),
        ("127.0.0.1 8.8.8.8", "fe80::1 fd00::1", ["8.8.8.8/32"], []),
        ("100.64.0.1", "::ffff:192.168.1.1", [], []),
        (None, "2a00:1450::9", ["2a00:1450::/64"], [4]),
        (None, None, [], [4, 6]),
    ],
)
def test_one_public_address_of_each_family_is_claimed(
    ipv4: str | None, ipv6: str | None, claimed: list[str], kept: list[int]
) -> None:
    """Private and other odd addresses never count, not even where private ones may register."""
    claim = claim_of(answers(ipv4, ipv6), {}, AddressRules(private_allowed=True))
    assert [str(network) for network in claim.networks.values()] == claimed
    assert claim.kept == set(kept)
    assert claim.failing == (not claimed)


def test_what_is_held_stays_among_several() -> None:
    """Servers rotate their answers; a slot does not move with each rotation."""
    held = {4: parse_network("9.9.9.9")}
    for order in ("8.8.8.8 9.9.9.9", "9.9.9.9 8.8.8.8"):
        assert claim_of(answers(order, ""), held, AddressRules()).networks == held
