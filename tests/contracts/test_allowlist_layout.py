"""What the registry writes is what the mirror reads: the layout of version 1, pinned."""

import datetime
import ipaddress
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartdns.contract import redis_layout
from smartdns.contract.addresses import Network
from smartdns.contract.grants import OFF, GrantChange, Head, Profile
from smartdns.contract.redis_layout import (
    LayoutError,
    decode_head,
    decode_message,
    decode_profile,
    encode_head,
    encode_message,
    encode_profile,
)

DAY = datetime.date(2026, 12, 31).toordinal()
WORDS = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789-"), min_size=1, max_size=12)
REGIONS = st.sampled_from(["us", "gb", "fr", OFF])
PROFILES = st.builds(
    Profile,
    st.none() | st.sampled_from(["us", "gb"]),
    st.dictionaries(WORDS, REGIONS, max_size=4),
    st.none() | st.integers(700_000, 800_000),
    st.booleans(),
)
NETWORKS: st.SearchStrategy[Network] = st.one_of(
    st.builds(
        lambda number, length: ipaddress.ip_network((number, length), strict=False),
        st.integers(0, 2**32 - 1),
        st.integers(0, 32),
    ),
    st.builds(
        lambda number, length: ipaddress.ip_network((number, length), strict=False),
        st.integers(2**32, 2**128 - 1),
        st.integers(33, 128),
    ),
)
HEADS = st.builds(Head, st.integers(0, 2**40), st.integers(0, 2**40))
CHANGES = st.lists(st.builds(GrantChange, HEADS, NETWORKS, st.none() | PROFILES), min_size=1)

PINNED = {
    "-": Profile(),
    "region=us": Profile("us"),
    "region=us service:netflix=gb service:zdf=off until=2026-12-31 claimed": Profile(
        "us", {"zdf": OFF, "netflix": "gb"}, DAY, claimed=True
    ),
}


@pytest.mark.parametrize(("text", "profile"), PINNED.items())
def test_the_text_of_a_profile_is_pinned(text: str, profile: Profile) -> None:
    """Another text would be another version: both planes may be of different releases."""
    assert encode_profile(profile) == text
    assert decode_profile(text) == profile


def test_the_names_of_the_keys_are_pinned() -> None:
    """They carry the version, so that two layouts can stand side by side."""
    names = redis_layout.GRANTS, redis_layout.HEAD, redis_layout.CHANGES
    assert names == (
        "mediastreamer:v1:grants",
        "mediastreamer:v1:head",
        "mediastreamer:v1:changes",
    )
    assert redis_layout.GRANTS_BEING_BUILT.startswith("mediastreamer:v1:")


def test_the_text_of_a_message_is_pinned() -> None:
    """A line for each change, in order; a removal has no profile; a bare head asks for a look."""
    home, garden = ipaddress.ip_network("192.0.2.7"), ipaddress.ip_network("2001:db8:1:2::/64")
    text = encode_message(
        [GrantChange(Head(3, 8), home, Profile("us")), GrantChange(Head(3, 9), garden, None)]
    )
    assert text == "3 8 192.0.2.7/32 region=us\n3 9 2001:db8:1:2::/64"
    assert decode_message(b"4 9") == [Head(4, 9)]


@given(CHANGES)
def test_what_one_plane_says_the_other_understands(changes: list[GrantChange]) -> None:
    """Any changes come out of a message as they went in."""
    assert decode_message(encode_message(changes).encode()) == changes


@given(PROFILES, PROFILES)
def test_equal_profiles_have_equal_texts_and_no_others(one: Profile, other: Profile) -> None:
    """So the text can stand for the profile, undecoded."""
    assert (encode_profile(one) == encode_profile(other)) == (one == other)
    assert decode_profile(encode_profile(one)) == one


@given(HEADS, HEADS)
def test_heads_are_ordered_by_epoch_first(one: Head, other: Head) -> None:
    """The order that every mirror goes by survives the writing."""
    assert decode_head(encode_head(one)) == one
    assert (one < other) == ((one.epoch, one.position) < (other.epoch, other.position))


@given(st.binary(max_size=60))
def test_nothing_else_is_understood_and_nothing_repeated(junk: bytes) -> None:
    """Whatever lies in Redis is read, or refused by the one error without its text."""
    for decode in (decode_message, decode_profile, decode_head):
        said = refusal(decode, junk)
        assert said is None or said.startswith(("a ", "the "))


def refusal(decode: Callable[[bytes], object], text: bytes) -> str | None:
    """What is said of a text that cannot be read, and None for one that can."""
    try:
        decode(text)
    except LayoutError as error:
        return str(error)
    return None
