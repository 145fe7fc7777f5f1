"""Rungs and stills in the room's state machine."""

import base64

import pytest

from telehealth.consultations.effects import LockRung
from telehealth.consultations.messages import Lock, Message, Refusal, RungOf, Still, StillOf, Welcome
from telehealth.consultations.model import Rung, Source
from telehealth.consultations.ports import MediaRungChanged
from telehealth.consultations.weak_links import is_jpeg
from tests.consultations.harness import Story

JPEG = base64.b64encode(b"\xff\xd8\xff\xe0picture").decode()


def test_only_what_begins_as_jpeg_in_clean_base64_is_a_picture() -> None:
    assert is_jpeg(JPEG)
    for bad in ("", "####", JPEG[:-1], base64.b64encode(b"GIF89a").decode(), "é"):
        assert not is_jpeg(bad)


def a_visit() -> Story:
    """Ana, Bo and Lena talk, with pictures; nothing that was said until now counts."""
    story = Story()
    story.joins("bo", "ana", "lena")
    story.admits("bo", "ana")
    for who in ("bo", "ana", "lena"):
        story.sends(who, Source.CAMERA, Source.MICROPHONE)
    story.forget()
    return story


def stands(story: Story, who: str, rung: Rung, *, locked: bool = False) -> None:
    story.happens(MediaRungChanged(story.room.encounter.id, story.id(who), rung, locked))


def stills(messages: list[Message]) -> list[str]:
    return [message.participant for message in messages if isinstance(message, StillOf)]


def test_everybody_hears_when_a_link_is_good_for_less() -> None:
    story = a_visit()
    stands(story, "ana", Rung.STILLS)
    told = RungOf(participant=story.id("ana"), rung=Rung.STILLS, locked=False)
    assert [story.heard_by(who) for who in ("ana", "bo", "lena")] == [[told]] * 3
    stands(story, "ana", Rung.STILLS)
    assert story.heard_by("bo") == []


def test_one_who_comes_hears_of_the_links_that_are_not_at_their_best() -> None:
    story = a_visit()
    stands(story, "ana", Rung.AUDIO, locked=True)
    story.joins("bo")
    welcome, *rest = story.heard_by("bo")
    assert isinstance(welcome, Welcome)
    assert rest == [RungOf(participant=story.id("ana"), rung=Rung.AUDIO, locked=True)]


def test_one_who_waits_hears_nothing_of_links() -> None:
    story = a_visit()
    story.joins("kim")
    story.forget()
    stands(story, "ana", Rung.AUDIO)
    assert story.heard_by("kim") == []


def test_choosing_a_rung_asks_the_media_plane() -> None:
    story = a_visit()
    story.says("ana", Lock(rung=Rung.AUDIO))
    assert story.effects == [LockRung(story.id("ana"), Rung.AUDIO)]
    story.says("ana", Lock(rung=None))
    assert story.effects == [LockRung(story.id("ana"), None)]


def test_without_a_transport_there_is_no_rung_to_choose() -> None:
    story = Story()
    story.joins("bo")
    story.forget()
    story.says("bo", Lock(rung=Rung.AUDIO))
    [refusal] = story.heard_by("bo")
    assert isinstance(refusal, Refusal)
    assert refusal.code == "no_transport"
    stands(story, "bo", Rung.AUDIO)
    assert story.effects == []


def test_stills_go_to_those_with_a_weak_link_and_to_nobody_else() -> None:
    story = a_visit()
    stands(story, "ana", Rung.STILLS)
    story.forget()
    story.says("bo", Still(source=Source.CAMERA, jpeg=JPEG))
    assert stills(story.heard_by("ana")) == [story.id("bo")]
    assert stills(story.heard_by("lena")) == []


def test_stills_of_one_with_a_weak_link_go_to_all_but_those_who_get_no_pictures_at_all() -> None:
    story = a_visit()
    stands(story, "ana", Rung.STILLS)
    stands(story, "lena", Rung.AUDIO)
    story.forget()
    story.says("ana", Still(source=Source.CAMERA, jpeg=JPEG))
    assert stills(story.heard_by("bo")) == [story.id("ana")]
    assert stills(story.heard_by("lena")) == []


def test_more_than_one_still_in_two_seconds_is_left_out() -> None:
    story = a_visit()
    stands(story, "ana", Rung.STILLS)
    story.forget()
    for _ in range(10):
        story.says("bo", Still(source=Source.CAMERA, jpeg=JPEG))
        story.clock.advance(0.5)
    assert len(stills(story.heard_by("ana"))) == 3


@pytest.mark.parametrize(
    ("still", "code"),
    [
        (Still(source=Source.SCREEN, jpeg=JPEG), "not_published"),
        (Still(source=Source.CAMERA, jpeg=base64.b64encode(b"<svg>").decode()), "bad_picture"),
    ],
)
def test_what_is_no_picture_of_a_published_source_is_refused(still: Still, code: str) -> None:
    story = a_visit()
    story.says("bo", still)
    [refusal] = story.heard_by("bo")
    assert isinstance(refusal, Refusal)
    assert refusal.code == code
