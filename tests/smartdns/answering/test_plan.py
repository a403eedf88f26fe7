"""What a question is turned into on its way."""

from smartdns.answering.plan import Forward
from smartdns.answering.query import Name, Question


def test_questions_show_nothing_of_themselves() -> None:
    """Printed, formatted or in a collection: neither a name nor a type."""
    asked = Question(Name(b"\x06secret\0"), 28, 1)
    plan = Forward(asked, dnssec_ok=True, checking_disabled=False)
    for shown in (repr(asked), str(plan), f"{plan}", repr([plan, {asked: plan}])):
        assert "secret" not in shown
        assert "28" not in shown
