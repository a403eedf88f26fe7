"""Tables of Markdown, and the verdict on a target."""


def verdict(load: str, against: str, most: float, ratio: float) -> list[str]:
    """Give the cells of a row about a target: a ratio, and the most that it may be."""
    return [load, against, f"{most:.2f}", f"{ratio:.2f}", "met" if ratio <= most else "missed"]


def markdown(rows: list[list[str]]) -> str:
    """Give a table; the first row is its head."""
    head, *body = rows
    rule = ["---"] * len(head)
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, rule, *body))
