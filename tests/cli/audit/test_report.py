"""A report says what it is worth."""

from cli.audit.report import AuditReport


def report(sent: dict[str, int], answered: dict[str, int]) -> AuditReport:
    """Make one with a clean place."""
    made = AuditReport(sent=sent, answered=answered)
    made.add("a file", [])
    return made


def test_it_is_void_unless_enough_canaries_were_answered() -> None:
    """None, none on one way, or more than one in ten not."""
    assert report({"a": 10, "b": 1}, {"a": 10, "b": 1}).good
    assert report({"a": 10}, {"a": 9}).good
    for answered in ({}, {"a": 10}, {"a": 8, "b": 1}):
        void = report({"a": 10, "b": 1}, answered)
        assert not void.good
        assert "RESULT: void" in void.as_text("2030-01-01")


def test_it_stands_by_itself() -> None:
    """Date, result, what was sent, found, not seen with the reason, and searched."""
    made = report({"a query": 2}, {"a query": 2})
    made.reached["DNS"] = "127.0.0.1:53"
    made.unseen("the journal", "run it as root")
    assert made.as_text("2030-01-01").count("RESULT: clean") == 2
    made.add("a log", ["a word, as text"], "stop that")
    text = made.as_text("2030-01-01")
    for said in ("2030-01-01", "RESULT: found", "DNS at 127.0.0.1:53", "2 of 2  a query", "a log",
                 "a word, as text", "stop that", "the journal", "run it as root"):  # fmt: skip
        assert said in text
