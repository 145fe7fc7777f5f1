from telehealth.demo.journal import Journal


def test_frames_are_sent_once_on_a_line_and_again_on_the_next() -> None:
    journal = Journal(10)
    for sequence in (1, 2, 3):
        journal.add(1, sequence, f"f{sequence}")
    assert [journal.next_unsent() for _ in range(4)] == ["f1", "f2", "f3", None]
    journal.acknowledge({1: 1})
    journal.send_again()
    assert [journal.next_unsent() for _ in range(3)] == ["f2", "f3", None]


def test_an_acknowledgement_is_for_its_channel_only() -> None:
    journal = Journal(10)
    journal.add(1, 1, "a")
    journal.add(2, 1, "b")
    journal.acknowledge({2: 9})
    assert len(journal) == 1
    assert journal.next_unsent() == "a"


def test_beyond_its_limit_the_oldest_frames_are_given_up_and_counted() -> None:
    journal = Journal(3)
    for sequence in range(1, 6):
        journal.add(1, sequence, f"f{sequence}")
    assert (len(journal), journal.lost) == (3, 2)
    assert journal.next_unsent() == "f3"


def test_a_frame_given_up_is_not_sent() -> None:
    journal = Journal(3)
    journal.add(1, 1, "a")
    journal.give_up(1, 1)
    journal.give_up(1, 7)
    assert journal.next_unsent() is None
