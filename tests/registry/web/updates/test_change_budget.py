from registry.web.updates.change_budget import ChangeBudget


def test_budget_comes_back_with_the_next_window() -> None:
    """What is counted is forgotten when its window ends."""
    budget = ChangeBudget(most=1, window_s=600)
    budget.spend("token")
    assert [budget.is_spent("token", now) for now in (1.0, 599.0, 600.0)] == [True, True, False]
    assert not budget.is_spent("other", 1.0)
