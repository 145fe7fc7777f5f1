"""Heart rate, pulse oximeter, blood pressure, thermometer and weight: their layouts, and what they mean.

Display rule: what is invalid or unavailable, a sensor that is off or touches nobody, gives no value but the reason.
What is questionable, early or of a poor signal gives a questionable value.
"""

from types import MappingProxyType

from telehealth.interop.gatt.layout import Field, Fields, Form
from telehealth.interop.gatt.measurement import (
    GOOD,
    GattReading,
    Measurement,
    Verdict,
    invalid,
    notes_of,
    present,
    questionable,
    reading,
    verdict_of,
)
from telehealth.interop.gatt.numbers import Number
from telehealth.vitals.model import Quality

_HEART_RATE = 147842
_SPO2, _PULSE_RATE, _PERFUSION = 150456, 149530, 150448
_SYSTOLIC, _DIASTOLIC, _MEAN, _CUFF_PULSE = 150021, 150022, 150023, 149546
_WEIGHT, _HEIGHT, _BMI = 188736, 188740, 188752

HEART_RATE = (
    Field("rate", Form.U8, wide_bit=0),
    Field("energy", Form.U16, bit=3),
    Field("intervals", Form.U16S, bit=4),
)


def heart_rate(characteristic: str, fields: Fields) -> Measurement:
    """2A37. Without contact there is no value."""
    supported, detected = fields.has(2), fields.has(1)
    verdict = Verdict(Quality.INVALID, "no_contact") if supported and not detected else GOOD
    intervals = tuple(n / 1024 for n in fields.list_of("intervals"))
    details = {"contact": detected, "energy_kj": fields.whole("energy"), "rr_s": intervals}
    return Measurement(
        characteristic,
        (reading(_HEART_RATE, Number(fields.whole("rate")), "/min", verdict),),
        details=present(details, (supported, fields.has(3), fields.has(4))),
    )


OXIMETER_CONTINUOUS = (
    Field("spo2", Form.SFLOAT),
    Field("pulse", Form.SFLOAT),
    Field("spo2_fast", Form.SFLOAT, bit=0),
    Field("pulse_fast", Form.SFLOAT, bit=0),
    Field("spo2_slow", Form.SFLOAT, bit=1),
    Field("pulse_slow", Form.SFLOAT, bit=1),
    Field("status", Form.U16, bit=2),
    Field("sensor", Form.U24, bit=3),
    Field("perfusion", Form.SFLOAT, bit=4),
)
OXIMETER_SPOT = (
    Field("spo2", Form.SFLOAT),
    Field("pulse", Form.SFLOAT),
    Field("time", Form.TIME, bit=0),
    Field("status", Form.U16, bit=1),
    Field("sensor", Form.U24, bit=2),
    Field("perfusion", Form.SFLOAT, bit=3),
)

_OXIMETER_STATUS = MappingProxyType(
    invalid({12: "calibration", 13: "unavailable", 15: "invalid"}) | questionable({6: "early", 14: "questionable"})
)
_OXIMETER_SENSOR = MappingProxyType(
    invalid({1: "malfunction", 11: "not_connected", 13: "displaced", 14: "sensor_malfunction", 15: "disconnected"})
    | questionable(
        {
            0: "extended_display",
            2: "irregular_processing",
            3: "inadequate_signal",
            4: "poor_signal",
            5: "low_perfusion",
            6: "erratic_signal",
            7: "non_pulsatile",
            8: "questionable_pulse",
            9: "early",
            10: "interference",
            12: "unknown_sensor",
        }
    )
)
_OXIMETER_NOTES = MappingProxyType(
    {5: "ongoing", 7: "validated", 8: "fully_qualified", 9: "from_storage", 10: "demo", 11: "test"}
)


def oximeter(characteristic: str, fields: Fields) -> Measurement:
    """2A5F and 2A5E: saturation, pulse and, if sent, perfusion."""
    status = fields.whole("status")
    verdict = verdict_of(status, _OXIMETER_STATUS).worse(verdict_of(fields.whole("sensor"), _OXIMETER_SENSOR))
    sent = ((_SPO2, "spo2", "%"), (_PULSE_RATE, "pulse", "/min"), (_PERFUSION, "perfusion", "%"))
    numbers = ((mdc, fields.number(name), unit) for mdc, name, unit in sent)
    unset = characteristic == "2A5E" and fields.has(4)
    return Measurement(
        characteristic,
        tuple(reading(mdc, number, unit, verdict) for mdc, number, unit in numbers if number is not None),
        local_time=None if unset else fields.time(),
        notes=notes_of(status, _OXIMETER_NOTES) + (("clock_not_set",) if unset else ()),
        demo=bool(status & (1 << 10 | 1 << 11)),
    )


BLOOD_PRESSURE = (
    Field("systolic", Form.SFLOAT),
    Field("diastolic", Form.SFLOAT),
    Field("mean", Form.SFLOAT),
    Field("time", Form.TIME, bit=1),
    Field("pulse", Form.SFLOAT, bit=2),
    Field("user", Form.U8, bit=3),
    Field("status", Form.U16, bit=4),
)
_PRESSURE_STATUS = MappingProxyType(questionable({0: "body_movement", 1: "cuff_too_loose", 5: "wrong_position"}))
_PRESSURE_NOTES = MappingProxyType({2: "irregular_pulse", 3: "pulse_above_range", 4: "pulse_below_range"})


def blood_pressure(characteristic: str, fields: Fields) -> Measurement:
    """2A35; and 2A36, whose first number is the cuff's pressure of the moment and no pressure of the blood."""
    status = fields.whole("status")
    verdict = verdict_of(status, _PRESSURE_STATUS)
    unit = "kPa" if fields.has(0) else "mm[Hg]"
    sent = (
        (_SYSTOLIC, fields.number("systolic"), unit),
        (_DIASTOLIC, fields.number("diastolic"), unit),
        (_MEAN, fields.number("mean"), unit),
        (_CUFF_PULSE, fields.number("pulse"), "/min"),
    )
    readings = tuple(reading(mdc, number, unit, verdict) for mdc, number, unit in sent if number is not None)
    notes, details = notes_of(status, _PRESSURE_NOTES), {"user": fields.whole("user")}
    kept = present(details, (fields.has(3),))
    if characteristic == "2A36":
        cuff = fields.number("systolic") or Number(0)
        return Measurement(
            characteristic,
            (),
            local_time=fields.time(),
            notes=("intermediate", *notes),
            details=MappingProxyType({**kept, "cuff": cuff.value, "cuff_unit": unit}),
        )
    return Measurement(characteristic, readings, local_time=fields.time(), notes=notes, details=kept)


TEMPERATURE = (Field("temperature", Form.FLOAT), Field("time", Form.TIME, bit=1), Field("site", Form.U8, bit=2))
_SITES = MappingProxyType(
    {
        1: ("armpit", 188496),
        2: ("body", 150364),
        3: ("ear", 150392),
        4: ("finger", 150388),
        5: ("gastrointestinal", 150368),
        6: ("mouth", 188424),
        7: ("rectum", 188420),
        8: ("toe", 150388),
        9: ("eardrum", 150392),
    }
)


def temperature(characteristic: str, fields: Fields) -> Measurement:
    """2A1C; and 2A1E, which is early."""
    number = fields.number("temperature") or Number(0)
    name, mdc = _SITES.get(fields.whole("site"), ("", 150364))
    early = Verdict(Quality.QUESTIONABLE, "early") if characteristic == "2A1E" else GOOD
    return Measurement(
        characteristic,
        (reading(mdc, number, "[degF]" if fields.has(0) else "Cel", early),),
        local_time=fields.time(),
        details=present({"site": name}, (name != "",)),
    )


WEIGHT = (
    Field("weight", Form.U16),
    Field("time", Form.TIME, bit=1),
    Field("user", Form.U8, bit=2),
    Field("bmi", Form.U16, bit=3),
    Field("height", Form.U16, bit=3),
)
_UNSUCCESSFUL = 0xFFFF


def weight(characteristic: str, fields: Fields) -> Measurement:
    """2A9D: in steps of 5 g and 1 mm, or of 0.01 lb and 0.1 in."""
    imperial = fields.has(0)
    raw = fields.whole("weight")
    readings = [GattReading(_WEIGHT, raw / (100 if imperial else 200), "[lb_av]" if imperial else "kg")]
    if raw == _UNSUCCESSFUL:
        readings = [GattReading(_WEIGHT, None, readings[0].unit, Quality.INVALID, "unsuccessful")]
    if fields.has(3):
        readings += [
            GattReading(_BMI, fields.whole("bmi") / 10, "kg/m2"),
            GattReading(_HEIGHT, fields.whole("height") / 10, "[in_i]" if imperial else "cm"),
        ]
    details = present({"user": fields.whole("user")}, (fields.has(2),))
    return Measurement(characteristic, tuple(readings), local_time=fields.time(), details=details)
