"""The page "Is it working?": what the server knows it says, and asks nobody."""

from tests.registry.web.conftest import Visitor

BUTTON = "Register my IP address"


def test_whether_the_address_is_registered_is_answered_not_asked(visitor: Visitor) -> None:
    """A visitor who is signed in is told; who is not is led to where it is said, and back."""
    client = visitor.client()
    stranger = client.get("/check").text
    assert "Is your address registered?" in stranger
    assert 'href="/sign-in?next=/check"' in stranger
    client, _ = visitor.signed_in()
    missing = client.get("/check")
    assert "Your address is not registered" in missing.text
    client.submit(missing.form(BUTTON))
    there = client.get("/check").text
    assert "Your address is registered" in there
    for said in (missing.text, there):
        assert "Is your address registered?" not in said
        assert "Is the address above registered?" not in said
