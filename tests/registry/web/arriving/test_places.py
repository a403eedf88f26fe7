"""Places: few in all, fewer for one client."""

from registry.web.arriving.places import Places


def test_places_are_few_in_all_and_for_one_client() -> None:
    """A place that was given back can be taken again."""
    places = Places(most=3, most_per_client=2)
    assert [places.take("a") for _ in range(3)] == [True, True, False]
    assert [places.take("b") for _ in range(2)] == [True, False]
    places.leave("a")
    assert places.take("b")
