"""Nothing is recorded unless everybody who is there has agreed."""

import pytest

from telehealth.consultations.effects import Send, StartRecording, StopRecording, Tick
from telehealth.consultations.messages import Leave, RecordConsent, RecordingChanged, RecordRequest, Refusal
from telehealth.consultations.model import EntryKind
from telehealth.consultations.ports import MediaRecordingStopped
from telehealth.consultations.signalling import MEDIA_GRACE_S
from tests.builders import ENCOUNTER
from tests.consultations.harness import Story

YES, NO = RecordConsent(accepted=True), RecordConsent(accepted=False)


def a_visit() -> Story:
    story = Story()
    story.joins("bo", "ana")
    story.admits("bo", "ana")
    story.forget()
    return story


def recorded() -> Story:
    story = a_visit()
    story.says("bo", RecordRequest())
    story.says("ana", YES)
    assert started(story)
    story.forget()
    return story


def started(story: Story) -> list[StartRecording]:
    return [effect for effect in story.effects if isinstance(effect, StartRecording)]


def stopped(story: Story) -> list[StopRecording]:
    return [effect for effect in story.effects if isinstance(effect, StopRecording)]


def states(story: Story, who: str) -> list[str]:
    return [message.state for message in story.heard_by(who) if isinstance(message, RecordingChanged)]


def test_it_starts_once_everybody_has_agreed_and_everybody_is_told() -> None:
    story = a_visit()
    story.says("bo", RecordRequest())
    assert not started(story)
    assert states(story, "ana") == states(story, "bo") == ["asking"]
    story.says("ana", YES)
    (start,) = started(story)
    assert (start.by.id, start.event.action) == (story.id("bo"), "recording.started")
    assert start.entry.kind is EntryKind.RECORDING_STARTED
    assert isinstance(story.effects[-1], StartRecording), "they are told before it starts"
    assert states(story, "ana") == states(story, "bo") == ["on"]


@pytest.mark.parametrize("who", ["ana", "lena"])
def test_only_the_practitioner_may_ask(who: str) -> None:
    story = a_visit()
    story.joins("lena")
    story.says(who, RecordRequest())
    (refused,) = [message for message in story.heard_by(who) if isinstance(message, Refusal)]
    assert refused.code == "forbidden"
    assert story.room.consents.off


def test_a_refusal_ends_the_asking_and_says_whose_it_was() -> None:
    story = a_visit()
    story.says("bo", RecordRequest())
    story.says("ana", NO)
    told = story.heard_by("bo")[-1]
    assert told == RecordingChanged(state="off", by=story.id("bo"), accepted=(), refused=story.id("ana"))
    story.says("ana", YES)
    assert not started(story), "consent to what is over is no consent"


@pytest.mark.parametrize("who", ["ana", "bo"])
def test_anybody_who_withdraws_stops_it_before_anybody_hears_so(who: str) -> None:
    story = recorded()
    story.says(who, NO)
    (stop,) = stopped(story)
    assert stop.event is not None
    assert stop.event.action == "recording.stopped"
    assert story.effects.index(stop) < min(at for at, one in enumerate(story.effects) if isinstance(one, Send))
    assert states(story, "ana") == ["off"]


def test_who_comes_later_pauses_it_until_they_agree() -> None:
    story = recorded()
    story.joins("kim")
    assert not stopped(story), "who waits hears and sees nothing, and is not recorded"
    assert states(story, "kim") == []
    story.admits("bo", "kim")
    assert stopped(story)
    assert states(story, "kim") == ["asking"]
    story.says("kim", YES)
    assert started(story)
    assert states(story, "kim") == ["on"]


def test_who_comes_back_has_agreed_already_and_is_told_that_it_goes_on() -> None:
    story = recorded()
    story.drops("ana")
    story.joins("ana")
    assert not stopped(story)
    assert states(story, "ana") == ["on"]


def test_who_has_not_answered_and_goes_is_waited_for_no_more() -> None:
    story = recorded()
    story.joins("lena")
    story.says("lena", Leave())
    assert started(story)


def test_it_stops_when_who_asked_is_gone() -> None:
    story = recorded()
    story.drops("bo")
    assert stopped(story)
    assert states(story, "ana") == ["off"]


def test_it_goes_on_while_who_asked_may_yet_come_back() -> None:
    story = a_visit()
    story.sends("bo")
    story.says("bo", RecordRequest())
    story.says("ana", YES)
    story.drops("bo")
    assert not stopped(story)
    story.clock.advance(MEDIA_GRACE_S)
    story.happens(Tick())
    assert stopped(story)


def test_it_stops_with_the_consultation() -> None:
    story = recorded()
    story.ends_elsewhere()
    assert stopped(story)


def test_a_recording_that_can_not_go_on_is_off_for_everybody() -> None:
    story = recorded()
    story.happens(MediaRecordingStopped(ENCOUNTER, story.id("bo")))
    assert stopped(story)
    assert states(story, "ana") == ["off"]


def test_one_asks_once_at_a_time() -> None:
    story = recorded()
    story.says("bo", RecordRequest())
    assert [message.code for message in story.heard_by("bo") if isinstance(message, Refusal)] == ["already_recording"]
