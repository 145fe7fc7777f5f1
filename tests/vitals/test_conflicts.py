"""Two sources that contradict each other are marked; what may both be true is not."""

from datetime import timedelta

import pytest

from telehealth.ids import DeviceId
from telehealth.vitals.conflicts import conflicting
from telehealth.vitals.model import Quality, Report, Sample
from tests.builders import NOON

HR, PR, SPO2, TEMP, SYS = 147842, 149530, 150456, 150364, 150021


def a_report(
    device: str, *values: tuple[int, float | None], at_s: float = 0, demo: bool = False, quality: Quality = Quality.GOOD
) -> Report:
    at = NOON + timedelta(seconds=at_s)
    samples = tuple(Sample(mdc, value, "", value, "", at, at, quality) for mdc, value in values)
    return Report(DeviceId(device), at, at, demo, samples)


@pytest.mark.parametrize(
    ("mine", "theirs", "conflict"),
    [
        ((HR, 130), (HR, 80), True),
        ((HR, 130), (PR, 80), True),
        ((HR, 88), (HR, 80), False),
        ((HR, 200), (HR, 170), False),
        ((SPO2, 97), (SPO2, 88), True),
        ((SPO2, 97), (SPO2, 93), False),
        ((TEMP, 38.5), (TEMP, 37.0), True),
        ((TEMP, 38.5), (150388, 33.0), False),
        ((SYS, 150), (SYS, 120), True),
        ((188736, 70), (188736, 90), False),
        ((HR, 80), (SPO2, 97), False),
    ],
)
def test_two_devices(mine: tuple[int, float], theirs: tuple[int, float], conflict: bool) -> None:  # noqa: FBT001
    report = a_report("a", mine)
    assert conflicting(report, [a_report("b", theirs), report]) == (frozenset({mine[0]}) if conflict else frozenset())


def test_one_device_contradicts_itself_only_in_rates_of_the_heart() -> None:
    report = a_report("a", (HR, 130), (PR, 80))
    assert conflicting(report, [report]) == {HR, PR}
    assert conflicting(a_report("a", (SPO2, 97)), [a_report("a", (SPO2, 80))]) == frozenset()


def test_what_is_far_apart_in_time_may_both_be_true() -> None:
    assert conflicting(a_report("a", (HR, 130), at_s=10.5), [a_report("b", (HR, 80))]) == frozenset()
    assert conflicting(a_report("a", (HR, 130), at_s=10), [a_report("b", (HR, 80))]) == {HR}


def test_a_demonstration_contradicts_nobody() -> None:
    assert conflicting(a_report("a", (HR, 130)), [a_report("b", (HR, 80), demo=True)]) == frozenset()


def test_what_is_doubtful_or_missing_contradicts_nobody() -> None:
    doubtful = a_report("b", (HR, 80), quality=Quality.QUESTIONABLE)
    assert conflicting(a_report("a", (HR, 130)), [doubtful]) == frozenset()
    assert conflicting(a_report("a", (HR, None)), [a_report("b", (HR, 80))]) == frozenset()
