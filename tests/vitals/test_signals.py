"""Pauses and "off" of all alarms of a patient: who may, how long, and what ends them."""

from datetime import timedelta

import pytest

from telehealth.access import Action, Principal
from telehealth.errors import Conflict, Invalid
from telehealth.vitals.signals import PAUSES_S, Signals, SignalState, SignalsWanted, action_for
from tests.builders import NOON, the_admin, the_doctor, the_paramedic


def signals(state: SignalState, seconds: int = 0) -> Signals:
    return SignalsWanted(state, seconds).set_by("d" * 32, "Dr Ifeoma Okafor", NOON)


@pytest.mark.parametrize("seconds", PAUSES_S)
@pytest.mark.parametrize("state", [SignalState.AUDIO_PAUSED, SignalState.ALARM_PAUSED])
def test_a_pause_ends_by_itself(state: SignalState, seconds: int) -> None:
    paused = signals(state, seconds)
    assert paused.at(NOON + timedelta(seconds=seconds - 1)).state is state
    assert paused.at(NOON + timedelta(seconds=seconds)) == Signals()


@pytest.mark.parametrize("state", [SignalState.AUDIO_OFF, SignalState.ALARM_OFF])
def test_what_is_off_stays_off_and_no_pause_ends_it(state: SignalState) -> None:
    off, later = signals(state), NOON + timedelta(days=30)
    assert off.at(later) == off
    with pytest.raises(Conflict) as refusal:
        off.changed(signals(SignalState.AUDIO_PAUSED, 60), later)
    assert refusal.value.code == "alarms_off"
    assert off.changed(signals(SignalState.ON), later).state is SignalState.ON


@pytest.mark.parametrize("seconds", [0, 59, 3600])
def test_nobody_pauses_for_another_time(seconds: int) -> None:
    with pytest.raises(Invalid) as refusal:
        signals(SignalState.ALARM_PAUSED, seconds)
    assert refusal.value.code == "bad_pause"


@pytest.mark.parametrize(
    ("who", "state", "action"),
    [
        (the_paramedic(), SignalState.AUDIO_PAUSED, Action.MANAGE_ALARMS),
        (the_paramedic(), SignalState.ALARM_PAUSED, Action.PAUSE_ALARMS),
        (the_doctor(), SignalState.ALARM_OFF, Action.TURN_OFF_ALARMS),
        (the_doctor(), SignalState.ON, Action.MANAGE_ALARMS),
        (the_admin(), SignalState.ON, Action.TURN_OFF_ALARMS),
        (the_admin(), SignalState.AUDIO_PAUSED, Action.MANAGE_ALARMS),
    ],
)
def test_each_state_needs_its_right(who: Principal, state: SignalState, action: Action) -> None:
    assert action_for(who, state) is action
