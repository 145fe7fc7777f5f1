"""Loss towards one receiver, and copies of its voice."""

from telehealth.rtp.link_loss import CALM_S, DEAF_S, LinkLoss


def test_a_clean_link_gets_no_copies() -> None:
    link = LinkLoss()
    for second in range(10):
        link.told(0)
        link.settle(200 * second, float(second))
    assert (link.share, link.copies) == (0.0, 0)


def test_reported_loss_brings_copies_at_once() -> None:
    link = LinkLoss()
    link.told(20)
    link.settle(200, 0.0)
    assert link.copies == 1
    link.told(52)
    link.settle(400, 1.0)
    assert link.copies == 2
    assert 0.2 < link.share < 0.21


def test_what_was_lost_before_it_came_here_is_not_this_link_s() -> None:
    link = LinkLoss()
    link.told(128, before=0.5)
    link.told(200, before=1.0)
    link.told(0, before=0.2)  # Repaired on the way.
    link.settle(200, 0.0)
    assert (link.share, link.copies) == (0.0, 0)
    link.told(192, before=0.5)
    link.settle(400, 1.0)
    assert link.share == 0.5


def test_requests_for_lost_packets_count_as_loss() -> None:
    link = LinkLoss()
    for number in range(10):
        link.asked.note(1, number, stands_for=1)
    link.settle(200, 0.0)
    assert link.share == 0.05
    for number in range(10, 20):
        link.asked.note(1, number, stands_for=1)
    link.settle(210, 1.0)  # Ten packets tell nothing.
    assert link.share == 0.025


def test_copies_end_one_by_one_after_a_long_calm() -> None:
    link = LinkLoss()
    link.told(64)
    link.settle(200, 0.0)
    seen = {}
    for second in range(1, 60):
        link.settle(200, float(second))
        seen[second] = link.copies
    assert seen[int(CALM_S)] == 2
    assert seen[int(CALM_S) + 1] == 1
    assert seen[2 * int(CALM_S) + 1] == 0


def test_loss_in_between_begins_the_calm_anew() -> None:
    link = LinkLoss()
    link.told(10)
    link.settle(200, 0.0)
    link.settle(200, 1.0)
    link.told(3)
    link.settle(200, CALM_S)
    link.settle(200, CALM_S + 2)
    assert link.copies == 1


def test_what_was_lost_before_something_else_is_sent_counts_no_more() -> None:
    link = LinkLoss()
    link.told(200)
    link.settle(200, 0.0)
    link.restart(0.0, most_copies=0)
    assert (link.share, link.copies) == (0.0, 0)
    link.told(200)
    link.settle(400, 1.0)
    assert link.share == 0.0
    link.told(200)
    link.settle(600, 1.0 + DEAF_S)
    assert link.copies == 0
    assert link.share > 0.7


def test_a_single_bad_second_is_no_lasting_loss() -> None:
    link = LinkLoss()
    seen = []
    for second, fraction in enumerate((0, 200, 0, 128, 64, 64)):
        link.told(fraction)
        link.settle(200 * second, float(second))
        seen.append(link.lasting)
    assert seen == [0.0, 0.0, 0.0, 0.0, 0.25, 0.25]
