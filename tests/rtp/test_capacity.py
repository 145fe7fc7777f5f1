"""What fits through a link is known by how much longer a large question takes."""

import pytest

from telehealth.rtp.capacity import LARGE, LEAST_S, SMALL, Capacity

OCTETS = 640


def weighed(bitrate_bps: float, *, waits_s: tuple[float, ...] = (0.0,)) -> Capacity:
    """Ask ten small questions and ten large ones, each of which waits for others as long as its turn says."""
    capacity = Capacity()
    for n in range(10):
        wait_s = waits_s[n % len(waits_s)]
        capacity.took(0.04 + wait_s, large=False)
        capacity.took(0.04 + wait_s + 8 * OCTETS / bitrate_bps, large=True)
    return capacity


@pytest.mark.parametrize("bitrate_bps", [40_000, 70_000, 300_000])
@pytest.mark.parametrize("waits_s", [(0.0,), (0.03, 0.1, 0.0)])
def test_the_shortest_of_several_tell_what_fits(bitrate_bps: float, waits_s: tuple[float, ...]) -> None:
    assert weighed(bitrate_bps, waits_s=waits_s).bps(OCTETS) == pytest.approx(bitrate_bps)


def test_of_a_wide_link_no_more_is_claimed_than_can_be_measured() -> None:
    assert weighed(1e9).bps(OCTETS) == pytest.approx(8 * OCTETS / LEAST_S)


@pytest.mark.parametrize(("small", "large"), [(0, 10), (10, 0), (LARGE - 1, LARGE), (LARGE, LARGE - 1)])
def test_of_too_few_questions_nothing_is_concluded(small: int, large: int) -> None:
    capacity = Capacity()
    for _ in range(small):
        capacity.took(0.04, large=False)
    for _ in range(large):
        capacity.took(0.2, large=True)
    assert capacity.bps(OCTETS) is None


def test_a_link_that_changed_shows_after_a_few() -> None:
    capacity = weighed(40_000)
    capacity.took(0.045, large=True)
    found = capacity.bps(OCTETS)
    assert found is not None
    assert found > 1_000_000
    for _ in range(LARGE):
        capacity.took(0.168, large=True)
    for _ in range(SMALL):
        capacity.took(0.04, large=False)
    assert capacity.bps(OCTETS) == pytest.approx(40_000)
