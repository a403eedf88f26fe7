"""From "Register my IP address" to an answered query, as a household walks it."""

from tests.peers.installation import RELAY, Installation


def test_a_new_household_registers_and_its_names_are_steered(running: Installation) -> None:
    """Refused before, steered within a second, other names real, and a neighbour still refused."""
    assert "status: REFUSED" in running.dig("www.netflix.com")

    browser = running.browser()
    page = browser.get("/")
    assert "127.0.0.1" in page.text
    browser.submit(page.form("Register my IP address"))

    running.dig_until(RELAY, "www.netflix.com", "A", within=10.0)
    for kind in ("AAAA", "HTTPS"):
        said = running.dig("www.netflix.com", kind)
        assert "status: NOERROR" in said
        assert "ANSWER: 0" in said
        assert "SOA" in said
    assert "198.51.100.1" in running.dig("www.example.com", "A")
    assert "status: NXDOMAIN" in running.dig("nothing.example.com")
    assert "status: REFUSED" in running.dig("www.netflix.com", source="127.0.0.2")
