"""Loss as it shows by what a receiver asks for."""

from telehealth.rtp.asked import LIMIT, Asked

SOUND, PICTURES = 1, 2


def test_each_packet_of_sound_that_is_asked_for_was_lost() -> None:
    asked = Asked()
    for number in (7, 9, 65_535):
        asked.note(SOUND, number, stands_for=1)
    assert asked.settle() == 3
    assert asked.settle() == 0


def test_a_packet_asked_for_again_and_again_was_lost_once() -> None:
    asked = Asked()
    for _ in range(4):
        asked.note(SOUND, 7, stands_for=1)
    assert asked.settle() == 1
    asked.note(SOUND, 7, stands_for=1)
    assert asked.settle() == 0
    asked.note(SOUND, 7, stands_for=1)
    assert asked.settle() == 0
    for _ in range(2):
        asked.settle()
    asked.note(SOUND, 7, stands_for=1)  # The numbers have come round.
    assert asked.settle() == 1


def test_streams_do_not_hide_each_others_losses() -> None:
    asked = Asked()
    asked.note(SOUND, 7, stands_for=1)
    asked.note(PICTURES, 7, stands_for=1)
    assert asked.settle() == 2


def test_packets_that_were_overtaken_within_their_picture_were_not_lost() -> None:
    asked = Asked()
    for picture in range(20):
        asked.note(PICTURES, 3 * picture, stands_for=0)
    assert asked.settle() == 0


def test_the_lost_end_of_a_picture_stands_for_what_was_lost_within_but_never_for_more_than_was_asked_for() -> None:
    asked = Asked()
    for number in (1, 5, 9, 12):
        asked.note(PICTURES, number, stands_for=3 if number == 12 else 0)
    assert asked.settle() == 3
    asked.note(PICTURES, 15, stands_for=3)
    assert asked.settle() == 1


def test_what_is_remembered_is_bounded() -> None:
    asked = Asked()
    for number in range(3 * LIMIT):
        asked.note(number, number & 0xFFFF, stands_for=1)
    assert asked.settle() == 3 * LIMIT
    asked.note(0, 0, stands_for=1)
    asked.note(3 * LIMIT - 1, (3 * LIMIT - 1) & 0xFFFF, stands_for=1)
    assert asked.settle() == 1
