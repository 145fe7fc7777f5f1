from pathlib import Path

import pytest

from telehealth.demo.journal import Journal, Kept, Place, as_late
from telehealth.errors import Invalid


def frames(channel: int, *sequences: int) -> list[Kept]:
    return [Kept(channel, sequence, b"f%d" % sequence) for sequence in sequences]


def bodies(kept: list[Kept]) -> list[bytes]:
    return [one.body for one in kept]


def test_what_is_new_is_live_on_its_line_and_back_fill_on_the_next() -> None:
    with Journal(10) as journal:
        journal.open_line()
        journal.add(frames(1, 1, 2, 3))
        assert bodies(journal.next_live(2)) == [b"f1", b"f2"]
        assert bodies(journal.next_live(2)) == [b"f3"]
        assert journal.next_live(2) == journal.next_late(2) == []
        journal.acknowledge({1: 1})
        journal.open_line()
        journal.add(frames(1, 4))
        assert bodies(journal.next_live(9)) == [b"f4"]
        assert bodies(journal.next_late(9)) == [b"f2", b"f3"]
        assert journal.next_late(9) == []
        assert len(journal) == 3


def test_an_acknowledgement_is_for_its_channel_and_for_what_was_sent_on_this_line_only() -> None:
    with Journal(10) as journal:
        journal.add(frames(1, 1, 2, 3) + frames(2, 1))
        journal.open_line()
        journal.add(frames(1, 4))
        journal.next_live(9)
        # 1 to 3 were sent on no line yet, whatever the number says.
        journal.acknowledge({1: 4, 2: 9})
        assert len(journal) == 4
        assert bodies(journal.next_late(2)) == [b"f1", b"f2"]
        journal.acknowledge({}, {1: 3})
        assert len(journal) == 2
        assert [(one.channel, one.sequence) for one in journal.next_late(9)] == [(1, 3), (2, 1)]


def test_beyond_its_limit_the_oldest_waves_are_given_up_before_numerics_and_counted() -> None:
    with Journal(3) as journal:
        for sequence in range(1, 4):
            journal.add(frames(0, sequence) + frames(1, sequence))
        assert (len(journal), journal.lost) == (3, 3)
        journal.open_line()
        assert [one.channel for one in journal.next_late(9)] == [0, 0, 0]
        journal.add(frames(0, 4))
        assert (len(journal), journal.lost) == (3, 4)


def test_a_frame_given_up_is_not_sent() -> None:
    with Journal(3) as journal:
        journal.open_line()
        journal.add(frames(1, 1))
        journal.give_up(1, 1)
        journal.give_up(1, 7)
        assert journal.next_live(9) == []
        assert len(journal) == 0


def test_a_file_keeps_frames_counters_and_the_place(tmp_path: Path) -> None:
    path, place = tmp_path / "journal", Place("b1", "ecg", 12.5, 7)
    with Journal(10, path) as journal:
        assert journal.place is None
        journal.add(frames(1, 1, 2), place)
        journal.open_line()
        journal.next_late(9)
        journal.acknowledge({}, {1: 2})
    with Journal(10, path) as journal:
        assert (journal.place, journal.sequences, len(journal)) == (place, {1: 2}, 0)


def test_a_stretch_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(10, path) as journal:
        journal.add(frames(1, 1), Place("b1", "ecg", 0.0, 1))
        with pytest.raises(Exception, match="UNIQUE"):
            journal.add(frames(1, 2, 1), Place("b1", "ecg", 0.0, 2))
    with Journal(10, path) as journal:
        assert (len(journal), journal.sequences, journal.place) == (1, {1: 1}, Place("b1", "ecg", 0.0, 1))


def test_a_path_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        Journal(10, tmp_path / "missing" / "journal")


def test_back_fill_says_so() -> None:
    wave, text = as_late([Kept(1, 1, bytes(30)), Kept(0, 1, b'{"seq":1,"backfill":false}')])
    assert (wave[26], len(wave)) == (4, 30)
    assert text == b'{"seq":1,"backfill":true}'
