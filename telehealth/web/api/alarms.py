"""Alarms, limits, entries and scores of an encounter."""

from typing import Annotated, Literal, Self

from aiohttp import web
from pydantic import Field, model_validator

from telehealth.ids import AlarmId, EncounterId
from telehealth.interop.alarm_messages import (
    AlarmShown,
    ScoreShown,
    SignalsShown,
    alarm_shown,
    score_shown,
    signals_shown,
)
from telehealth.vitals.alarms import Person
from telehealth.vitals.limits import Limit
from telehealth.vitals.scoring import Entry
from telehealth.vitals.signals import SignalState, SignalsWanted
from telehealth.vitals.vital_signs import SIGNS, Vital
from telehealth.web.bodies import Answer, Body, answer, body_of
from telehealth.web.context import path_id, principal, services

Number = Annotated[float, Field(ge=-1000, le=10_000, allow_inf_nan=False)]
Delay = Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)]


class Cause(Answer):
    """A frequent cause of alarms."""

    name: str
    count: int


class AlarmList(Answer):
    """The newest 200 alarms, newest first; and how many real, timely ones there were of late."""

    alarms: list[AlarmShown]
    counted: int
    per_hour: float
    top: list[Cause]


class AlarmAnswer(Answer):
    """The alarm as it is now."""

    alarm: AlarmShown


class Pause(Body):
    """For how many seconds the sound of an alarm is off."""

    seconds: Literal[60, 120, 300]


class SignalsToSet(Body):
    """Whether the alarms of the patient are to be heard and seen; a pause has `seconds`."""

    state: Annotated[SignalState, Field(strict=False)]
    seconds: Literal[60, 120, 300] | None = None

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.state.paused != (self.seconds is not None):
            raise ValueError("a pause has seconds, and nothing else has")
        return self


class SignalsAnswer(Answer):
    """How the signals stand now."""

    signals: SignalsShown


class LimitToSet(Body):
    """Limits of one vital; null: none. Delays, and the time without a breath, stay as they are if they are null."""

    vital: Annotated[Vital, Field(strict=False)]
    very_low: Number | None = None
    low: Number | None = None
    high: Number | None = None
    very_high: Number | None = None
    delay_s: Delay | None = None
    urgent_delay_s: Delay | None = None
    apnoea_s: Literal[10, 15, 20, 25, 30, 35, 40] | None = None

    def to_domain(self, before: Limit) -> Limit:
        return Limit(
            self.vital,
            self.low,
            self.high,
            self.very_low,
            self.very_high,
            before.delay_s if self.delay_s is None else self.delay_s,
            before.urgent_delay_s if self.urgent_delay_s is None else self.urgent_delay_s,
            before.hysteresis,
            before.apnoea_s if self.apnoea_s is None else float(self.apnoea_s),
        )


class LimitsToSet(Body):
    """Limits to set for this patient."""

    limits: Annotated[list[LimitToSet], Field(min_length=1, max_length=len(SIGNS))]


class LimitProposed(Answer):
    """Limits around what is measured now; nobody has set them."""

    vital: Vital
    label: str
    very_low: float | None
    low: float | None
    high: float | None
    very_high: float | None


class Proposal(Answer):
    """What somebody may look at and set."""

    limits: list[LimitProposed]


class EntriesToMake(Body):
    """What no device tells; only what is given changes.

    `spo2_scale` 2 is the practitioner's signature that hypercapnic respiratory failure is known and 88–92 % the target.
    """

    consciousness: Literal["A", "C", "V", "P", "U"] | None = None
    oxygen: bool | None = None
    temperature: Annotated[float, Field(ge=25, le=45, allow_inf_nan=False)] | None = None
    spo2_scale: Literal[1, 2] | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.values():
            raise ValueError("must enter something")
        return self

    def values(self) -> dict[Entry, str]:
        oxygen = None if self.oxygen is None else "yes" if self.oxygen else "no"
        given = {
            Entry.CONSCIOUSNESS: self.consciousness,
            Entry.OXYGEN: oxygen,
            Entry.TEMPERATURE: self.temperature,
            Entry.SPO2_SCALE: self.spo2_scale,
        }
        return {entry: str(value) for entry, value in given.items() if value is not None}


class RhythmWanted(Body):
    """Whether the ECG is to be looked at for beats."""

    on: bool


class ScoreList(Answer):
    """Issued scores, newest first."""

    scores: list[ScoreShown]


async def list_alarms(request: web.Request) -> web.Response:
    service = services(request).alarms
    alarms = await service.history(principal(request), _encounter(request))
    load = service.load(alarms)
    return answer(
        AlarmList(
            alarms=[alarm_shown(alarm) for alarm in alarms],
            counted=load.alarms,
            per_hour=load.per_hour,
            top=[Cause(name=name, count=count) for name, count in load.top],
        )
    )


async def acknowledge_alarm(request: web.Request) -> web.Response:
    alarm = AlarmId(path_id(request, "alarm"))
    done = await services(request).alarms.acknowledge(await _person(request), _encounter(request), alarm)
    return answer(AlarmAnswer(alarm=alarm_shown(done)))


async def snooze_alarm(request: web.Request) -> web.Response:
    encounter, alarm = _encounter(request), AlarmId(path_id(request, "alarm"))
    body = await body_of(request, Pause)
    done = await services(request).alarms.snooze(await _person(request), encounter, alarm, body.seconds)
    return answer(AlarmAnswer(alarm=alarm_shown(done)))


async def read_signals(request: web.Request) -> web.Response:
    found = await services(request).alarms.signals(principal(request), _encounter(request))
    return answer(SignalsAnswer(signals=signals_shown(found)))


async def set_signals(request: web.Request) -> web.Response:
    encounter = _encounter(request)
    body = await body_of(request, SignalsToSet)
    wanted = SignalsWanted(body.state, body.seconds or 0)
    done = await services(request).alarms.set_signals(await _person(request), encounter, wanted)
    return answer(SignalsAnswer(signals=signals_shown(done)))


async def read_limits(request: web.Request) -> web.Response:
    body = await services(request).alarms.limits(principal(request), _encounter(request))
    return web.Response(body=body, content_type="application/json")


async def set_limits(request: web.Request) -> web.Response:
    encounter = _encounter(request)
    body = await body_of(request, LimitsToSet)
    who, service = await _person(request), services(request).alarms
    before = await service.limits_in_force(who.principal, encounter)
    limits = [one.to_domain(before.get(one.vital, Limit(one.vital))) for one in body.limits]
    await service.set_limits(who, encounter, limits)
    return await read_limits(request)


async def propose_limits(request: web.Request) -> web.Response:
    found = await services(request).alarms.proposal(principal(request), _encounter(request))
    return answer(
        Proposal(
            limits=[
                LimitProposed(
                    vital=vital,
                    label=SIGNS[vital].label,
                    very_low=limit.very_low,
                    low=limit.low,
                    high=limit.high,
                    very_high=limit.very_high,
                )
                for vital, limit in found.items()
            ]
        )
    )


async def make_entries(request: web.Request) -> web.Response:
    encounter = _encounter(request)
    body = await body_of(request, EntriesToMake)
    await services(request).alarms.enter(await _person(request), encounter, body.values())
    return web.Response(status=204)


async def follow_rhythm(request: web.Request) -> web.Response:
    encounter = _encounter(request)
    body = await body_of(request, RhythmWanted)
    await services(request).alarms.follow_rhythm(await _person(request), encounter, on=body.on)
    return web.Response(status=204)


async def list_scores(request: web.Request) -> web.Response:
    scores = await services(request).alarms.scores(principal(request), _encounter(request))
    return answer(ScoreList(scores=[score_shown(score) for score in scores]))


async def score_now(request: web.Request) -> web.Response:
    scores = await services(request).alarms.score_now(await _person(request), _encounter(request))
    return answer(ScoreList(scores=[score_shown(score) for score in scores]))


def _encounter(request: web.Request) -> EncounterId:
    return EncounterId(path_id(request, "encounter"))


async def _person(request: web.Request) -> Person:
    who = principal(request)
    return Person(who, (await services(request).accounts.me(who)).name)
