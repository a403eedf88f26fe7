"""Behind a proxy that the operator named: the client's address counts, and what it is matters."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.registry_server import RegistryServer
from tests.registry.web.conftest import PASSWORD, Visitor, served, visitor_of

pytestmark = pytest.mark.processes

BUTTON = "Register my IP address"
HOME, ELSEWHERE = "8.8.4.4", "9.9.9.9"  # addresses of a household in these tests; nothing is sent


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """A public installation behind a proxy at 127.0.0.1, with lists of odd networks."""
    directory = tmp_path_factory.mktemp("public")
    lists = {
        "vpn": "5.5.5.0/24 # a VPN\n",
        "mobile": "6.6.6.0/24\n",
        "private-relay": "7.7.7.0/24,US\n",
    }
    for word, text in lists.items():
        (directory / word).write_text(text)
    yield from served(
        f"sqlite:///{directory / 'registry.sqlite'}",
        directory,
        private_sources="0",
        trusted_proxies="127.0.0.1",
        known_networks=" ".join(f"{word}={directory / word}" for word in lists),
        dns_addresses="4.4.4.4",
    )


def visit(visitor: Visitor, forwarded_for: str) -> str:
    """Sign in through the proxy and press the button; give the text of the page."""
    client = visitor.client("127.0.0.1", **{"X-Forwarded-For": forwarded_for})
    page = client.sign_in(visitor.email, PASSWORD)
    return client.submit(page.form(BUTTON)).text


@pytest.mark.parametrize("forwarded_for", [HOME, f"{ELSEWHERE}, {HOME}", f"127.0.0.1,{HOME}"])
def test_the_right_most_hop_that_is_not_ours_is_registered(
    public: RegistryServer, forwarded_for: str
) -> None:
    """What the client itself puts in front of the header counts for nothing."""
    visitor = visitor_of(public)
    visit(visitor, forwarded_for)
    assert visitor.networks == [f"{HOME}/32"]


def test_no_other_header_counts_behind_the_proxy(public: RegistryServer) -> None:
    """Forwarded, X-Real-IP and an underscore's twin pass through a proxy and are ignored."""
    visitor = visitor_of(public)
    client = visitor.client("127.0.0.1", **{"X-Forwarded-For": HOME})
    page = client.sign_in(visitor.email, PASSWORD)
    client.headers |= {
        "Forwarded": f"for={ELSEWHERE}",
        "X-Real-IP": ELSEWHERE,
        "CF-Connecting-IP": ELSEWHERE,
        "X_Forwarded_For": ELSEWHERE,
        "X-Client-IP": ELSEWHERE,
    }
    client.submit(page.form(BUTTON))
    assert visitor.networks == [f"{HOME}/32"]


def test_a_proxy_that_tells_no_client_is_refused(public: RegistryServer) -> None:
    """Without X-Forwarded-For nobody's address is guessed, least of all the proxy's."""
    page = visitor_of(public).client("127.0.0.1").request("GET", "/sign-in")
    assert page.status == 400
    assert "X-Forwarded-For" in page.text


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("192.168.1.7", "a private address"),
        ("100.64.1.1", "shared address space"),
        ("127.0.0.7", "loopback"),
        ("169.254.1.1", "link-local"),
        ("192.0.2.1", "documentation"),
        ("224.0.0.1", "multicast"),
        ("240.0.0.1", "reserved"),
        ("64:ff9b::808:808", "NAT64"),
        ("2002:808:808::1", "6to4"),
        ("2001:0:808:808::1", "Teredo"),
        ("fe80::1", "link-local"),
        ("4.4.4.4", "an address of MediaStreamer itself"),
    ],
)
def test_addresses_of_no_household_are_refused_with_the_reason(
    public: RegistryServer, address: str, reason: str
) -> None:
    """On a public installation each is refused, and the page says what it is."""
    visitor = visitor_of(public)
    text = visit(visitor, address)
    assert reason in text
    assert visitor.networks == []


@pytest.mark.parametrize(
    ("address", "advice"),
    [
        ("5.5.5.5", "Switch the VPN off"),
        ("6.6.6.6", "Connect to the Wi-Fi of the TV"),
        ("7.7.7.7", "Switch Private Relay off"),
    ],
)
def test_odd_addresses_are_not_registered_blindly(
    public: RegistryServer, address: str, advice: str
) -> None:
    """The page says what to switch off; who insists, knowing that, is obeyed."""
    visitor = visitor_of(public)
    assert advice in visit(visitor, address)
    assert visitor.networks == []
    client = visitor.client("127.0.0.1", **{"X-Forwarded-For": address})
    page = client.sign_in(visitor.email, PASSWORD)
    client.submit(page.form(BUTTON), insist="1")
    assert visitor.networks == [f"{address}/32"]


def test_nobody_learns_that_an_address_is_somebody_elses(public: RegistryServer) -> None:
    """The page says the same words whether or not another account holds the address."""
    first, second, third = (visitor_of(public) for _ in range(3))
    visit(first, "9.1.1.1")
    texts = []
    for visitor, address in ((second, "9.1.1.1"), (third, "9.1.1.2")):
        client = visitor.client("127.0.0.1", **{"X-Forwarded-For": address})
        page = client.sign_in(visitor.email, PASSWORD)
        after = client.submit(page.form(BUTTON))
        texts.append([_without_secrets(each.text, address) for each in (page, after)])
    assert texts[0] == texts[1]


def _without_secrets(text: str, address: str) -> list[str]:
    """Keep the words: no tokens, numbers of rows, or the address itself."""
    lines = text.replace(address, "ADDRESS").splitlines()
    return [
        line for line in lines if not any(w in line for w in ("csrf_token", "ticket", "hidden"))
    ]


def test_a_wrong_list_stops_the_start_with_one_line(tmp_path: Path) -> None:
    """A known network that cannot be read is named with its file and line."""
    from registry.settings import RegistrySettings

    file = tmp_path / "vpn"
    file.write_text("1.2.3.0/24\nnonsense\n")
    with pytest.raises(ValueError, match=r"KNOWN_NETWORKS: .*vpn:2"):
        RegistrySettings(known_networks={"vpn": (file,)}).address_rules()
