"""Sequence numbers wrap around."""

from hypothesis import given
from hypothesis import strategies as st

from telehealth.rtp.sequence import Unwrapper, distance, following

numbers = st.integers(0, 0xFFFF)


@given(numbers, st.integers(-0x8000, 0x7FFF))
def test_distance_is_the_shortest_way(start: int, steps: int) -> None:
    assert distance(start, (start + steps) & 0xFFFF) == steps


@given(numbers)
def test_the_following_number_is_one_step_ahead(number: int) -> None:
    assert distance(number, following(number)) == 1


@given(numbers, st.lists(st.integers(-1000, 1000), max_size=50))
def test_unwrapping_follows_a_walk(start: int, steps: list[int]) -> None:
    unwrapper = Unwrapper(start)
    highest = start
    for step in steps:
        wanted = highest + step
        assert unwrapper.unwrap(wanted & 0xFFFF) == wanted
        highest = max(highest, wanted)
    assert unwrapper.highest == highest
