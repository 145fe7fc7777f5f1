"""Units: UCUM codes and ISO/IEEE 11073 unit names, and how one becomes another.

A unit is always named by whoever sends the value and never guessed from its size. A name that stands for no unit we
know, or for one of another quantity, is refused.
"""

from dataclasses import dataclass
from types import MappingProxyType

from telehealth.errors import Invalid

DEFLECTION = "mm{ecg}"
"""Our name for a millimetre of ECG paper at 10 mm/mV, as ST segments are given."""

MMHG_PER_KPA = 7.50062
GLUCOSE_MG_DL_PER_MMOL_L = 18.016


@dataclass(frozen=True, slots=True)
class Unit:
    """What a name stands for: base value = value × factor + shift, in the base unit of the quantity."""

    quantity: str
    factor: float = 1.0
    shift: float = 0.0


_PER_MINUTE = Unit("rate")
_PER_SECOND = Unit("rate", 60.0)
_PERCENT = Unit("ratio")
_ONE = Unit("ratio", 100.0)
_MMHG = Unit("pressure")
_KPA = Unit("pressure", MMHG_PER_KPA)
_CMH2O = Unit("pressure", 0.0980665 * MMHG_PER_KPA)
_CELSIUS = Unit("temperature")
_FAHRENHEIT = Unit("temperature", 1 / 1.8, -32 / 1.8)
_KELVIN = Unit("temperature", 1.0, -273.15)
_MILLIVOLT = Unit("potential")
_MICROVOLT = Unit("potential", 0.001)
_VOLT = Unit("potential", 1000.0)
_DEFLECTION = Unit("potential", 0.1)
_MG_DL = Unit("glucose")
_MMOL_L = Unit("glucose", GLUCOSE_MG_DL_PER_MMOL_L)
_OHM = Unit("resistance")
_L_MIN = Unit("flow")
_MILLISECOND = Unit("time")
_SECOND = Unit("time", 1000.0)
_CENTIMETRE = Unit("length")
_METRE = Unit("length", 100.0)
_INCH = Unit("length", 2.54)
_MILLIMETRE = Unit("length", 0.1)
_KILOGRAM = Unit("mass")
_GRAM = Unit("mass", 0.001)
_POUND = Unit("mass", 0.45359237)
_BODY_MASS_INDEX = Unit("body mass index")
_SCORE = Unit("score")

UNITS = MappingProxyType(
    {
        "/min": _PER_MINUTE,
        "1/min": _PER_MINUTE,
        "{beat}/min": _PER_MINUTE,
        "{beats}/min": _PER_MINUTE,
        "{breath}/min": _PER_MINUTE,
        "{breaths}/min": _PER_MINUTE,
        "MDC_DIM_BEAT_PER_MIN": _PER_MINUTE,
        "MDC_DIM_PULS_PER_MIN": _PER_MINUTE,
        "MDC_DIM_RESP_PER_MIN": _PER_MINUTE,
        "264864": _PER_MINUTE,
        "264896": _PER_MINUTE,
        "264928": _PER_MINUTE,
        "Hz": _PER_SECOND,
        "/s": _PER_SECOND,
        "%": _PERCENT,
        "MDC_DIM_PERCENT": _PERCENT,
        "262688": _PERCENT,
        "1": _ONE,
        "MDC_DIM_DIMLESS": _ONE,
        "262656": _ONE,
        "mm[Hg]": _MMHG,
        "MDC_DIM_MMHG": _MMHG,
        "266016": _MMHG,
        "kPa": _KPA,
        "MDC_DIM_KILO_PASCAL": _KPA,
        "265987": _KPA,
        "cm[H2O]": _CMH2O,
        "MDC_DIM_CM_H2O": _CMH2O,
        "266048": _CMH2O,
        "Cel": _CELSIUS,
        "MDC_DIM_DEGC": _CELSIUS,
        "268192": _CELSIUS,
        "[degF]": _FAHRENHEIT,
        "MDC_DIM_FAHR": _FAHRENHEIT,
        "266560": _FAHRENHEIT,
        "K": _KELVIN,
        "mV": _MILLIVOLT,
        "MDC_DIM_MILLI_VOLT": _MILLIVOLT,
        "266418": _MILLIVOLT,
        "uV": _MICROVOLT,
        "MDC_DIM_MICRO_VOLT": _MICROVOLT,
        "266419": _MICROVOLT,
        DEFLECTION: _DEFLECTION,
        "V": _VOLT,
        "MDC_DIM_VOLT": _VOLT,
        "266400": _VOLT,
        "mg/dL": _MG_DL,
        "MDC_DIM_MILLI_G_PER_DL": _MG_DL,
        "264274": _MG_DL,
        "mmol/L": _MMOL_L,
        "MDC_DIM_MILLI_MOLE_PER_L": _MMOL_L,
        "266866": _MMOL_L,
        "Ohm": _OHM,
        "MDC_DIM_OHM": _OHM,
        "266432": _OHM,
        "MDC_DIM_HZ": _PER_SECOND,
        "264640": _PER_SECOND,
        "MDC_DIM_PER_SEC": _PER_SECOND,
        "264608": _PER_SECOND,
        "ms": _MILLISECOND,
        "MDC_DIM_MILLI_SEC": _MILLISECOND,
        "264338": _MILLISECOND,
        "s": _SECOND,
        "cm": _CENTIMETRE,
        "MDC_DIM_CENTI_M": _CENTIMETRE,
        "263441": _CENTIMETRE,
        "mm": _MILLIMETRE,
        "MDC_DIM_MILLI_M": _MILLIMETRE,
        "263442": _MILLIMETRE,
        "m": _METRE,
        "[in_i]": _INCH,
        "kg": _KILOGRAM,
        "MDC_DIM_KILO_G": _KILOGRAM,
        "263875": _KILOGRAM,
        "g": _GRAM,
        "[lb_av]": _POUND,
        "kg/m2": _BODY_MASS_INDEX,
        "MDC_DIM_KG_PER_M_SQ": _BODY_MASS_INDEX,
        "264099": _BODY_MASS_INDEX,
        "{score}": _SCORE,
        "L/min": _L_MIN,
        "MDC_DIM_L_PER_MIN": _L_MIN,
        "265216": _L_MIN,
    }
)
"""What each name stands for. Concentrations are those of glucose: no other is converted."""


def convert(value: float, unit: str, to: str) -> float:
    """Return the value in another unit of the same quantity.

    Raises:
        Invalid: `unit_required` without a unit; `unknown_unit` for one we don't know or of another quantity.
    """
    factor, shift = linear(unit, to)
    return value * factor + shift


def linear(unit: str, to: str) -> tuple[float, float]:
    """Return factor and shift with which a value in `unit` becomes one in `to`; raises as convert does."""
    if not unit:
        raise Invalid("A value has no unit.", code="unit_required")
    if unit == to:
        return 1.0, 0.0
    source, target = UNITS.get(unit), UNITS.get(to)
    if source is None or target is None or source.quantity != target.quantity:
        raise Invalid("The unit is not known, or not one of this parameter.", code="unknown_unit")
    return source.factor / target.factor, (source.shift - target.shift) / target.factor
