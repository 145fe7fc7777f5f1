"""Codes as other systems write them (MDC, LOINC, vendors' own tables), and what they mean to us.

A code is looked up by its number and by its name. When the two mean different things, the value beside it is shown
under neither: such messages exist.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from telehealth.errors import Invalid
from telehealth.vitals.codes import ETCO2_FRACTION, PARAMETERS, ST_AMPLITUDES, TEXTS, TILES, WAVES, parameter_of
from telehealth.vitals.reported import REASONS
from telehealth.vitals.units import DEFLECTION, UNITS

_HEX_TERM = re.compile(r"([0-9A-Fa-f]{4})-([0-9A-Fa-f]{4})", re.ASCII)
_LOINC = re.compile(r"\d{1,7}-\d", re.ASCII)
_LARGEST = 0xFFFF_FFFF

_OTHER_NAMES = MappingProxyType(
    {
        147842: ("MDC_ECG_CARD_BEAT_RATE",),
        149522: ("MDC_PULS_RATE_INV",),
        150016: ("MDC_PRESS_BLD",),
        150020: ("MDC_PRESS_BLD_NONINV",),
        150301: ("MDC_PRESS_CUFF_SYS",),
        150344: ("MDC_TEMP",),
        151562: ("MDC_RESP_RATE",),
        151594: ("MDC_CO2_RESP_RATE",),
        160184: ("MDC_CONC_GLU_CAPILLARY_WHOLEBLOOD",),
        188736: ("MDC_MASS_BODY_ACTUAL",),
        184327: ("MDC_ECG_STAT_RHY",),
    }
)
_LEADS = MappingProxyType(
    {
        131328: "",
        131329: "I",
        131330: "II",
        131389: "III",
        131390: "AVR",
        131391: "AVL",
        131392: "AVF",
        **{131330 + n: f"V{n}" for n in range(1, 7)},
        131395: "V",
        131403: "MCL",
        131404: "MCL1",
    }
)

ATTRIBUTES = MappingProxyType(
    {
        "MDC_OBS_WAVE_CTS": 69121,
        "MDC_ATTR_NU_MSMT_RES": 67917,
        "MDC_ATTR_SAMP_RATE": 68320,
        "MDC_ATTR_SAMPLE_RATE": 68320,
        "MDC_ATTR_DATA_RANGE": 68323,
        "MDC_ATTR_FILTER_LABEL_STRING": 68162,
        "MDC_ATTR_SCALE_RANGE": 67908,
        "MDC_ATTR_RES_PER_LSB": 67945,
        "MDC_ATTR_TIME_ABS": 67975,
        "MDC_EVT_DATA_INVALID": 197376,
        "MDC_EVT_DATA_MISSING": 197378,
        "MDC_EVT_INOP": 196660,
        "MDC_EVT_ALARM": 196616,
        "MDC_EVT_HI": 196648,
        "MDC_EVT_LO": 196670,
        "MDC_EVT_LEAD_OFF": 196680,
        "MDC_EVT_FLUID_LINE_OCCL": 196940,
        "MDC_EVT_APNEA": 199680,
        "MDC_ATTR_ALERT_SOURCE": 68480,
        "MDC_ATTR_EVENT_PHASE": 68481,
        "MDC_ATTR_ALARM_STATE": 68482,
        "MDC_ATTR_ALARM_INACTIVATION_STATE": 68483,
        "MDC_ATTR_ALARM_PRIORITY": 68484,
        "MDC_ATTR_ALERT_TYPE": 68485,
        "MDC_ATTR_ALERT_TEXT": 68546,
    }
)
"""Names of what is no measurement: attributes of waves and of alarms, events."""


def _names_of(mdc: int, reference: str) -> tuple[str, ...]:
    names = {reference, *_OTHER_NAMES.get(mdc, ())} - {""}
    if mdc in _LEADS:
        lead = _LEADS[mdc]
        names |= {f"MDC_ECG_LEAD_{lead}", f"MDC_ECG_ELEC_POTL_{lead}", f"MDC_ECG_AMPL_{lead}"} if lead else set()
        names |= set() if lead else {"MDC_ECG_ELEC_POTL", "MDC_ECG_LEAD"}
    return tuple(name.upper() for name in names)


_NAMES = MappingProxyType(
    {
        mdc: frozenset(_names_of(mdc, reference))
        for mdc, reference in (
            *((mdc, parameter.reference) for mdc, parameter in PARAMETERS.items()),
            *((mdc, wave.reference) for mdc, wave in WAVES.items() if mdc not in PARAMETERS),
            *((mdc, "") for mdc in TEXTS),
        )
    }
)
_BY_NAME = MappingProxyType({name: mdc for mdc, names in _NAMES.items() for name in names})

# Tables of single vendors, where their numbers are not those of the nomenclature.
_EDAN = MappingProxyType(
    {
        131072: (147842, "ECG_HR"),
        327680: (150456, "SPO2"),
        393216: (150021, "NIBP_SYS"),
        393217: (150022, "NIBP_DIA"),
        458752: (150344, "TEMP_T1"),
    }
)

PANELS = frozenset({"85354-9", "55284-4", "85353-1"})
"""LOINC codes of observations whose values are in their components or in other observations."""

PANEL_TERMS = frozenset({150020, 150016, 150032, 150036, 150300})
"""MDC codes that stand for a panel when they carry no value."""


@dataclass(frozen=True, slots=True)
class Coded:
    """A code as it was sent: number or text, name, and the table it is of."""

    code: str
    name: str = ""
    system: str = ""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What codes mean: the MDC code, 0 if we don't know it, and what was put right to find out."""

    mdc: int
    notes: tuple[str, ...] = ()


def meaning(codes: Sequence[Coded]) -> Meaning:
    """Return what the codes, which stand beside each other for one thing, mean.

    Raises:
        Invalid: `codes_disagree`: number and name of one, or two of them, mean different things.
    """
    found: list[int] = []
    notes: list[str] = []
    for coded in codes:
        one = _one(coded)
        if one.mdc:
            found.append(one.mdc)
            notes.extend(one.notes)
    if not found:
        return Meaning(0)
    # The first that is the nomenclature's own is the most exact: LOINC has one code for several sources.
    if any(not _compatible(found[0], other) for other in found[1:]):
        raise Invalid(REASONS["codes_disagree"], code="codes_disagree")
    exact = [mdc for coded, mdc in ((c, _one(c).mdc) for c in codes) if mdc and _is_mdc(coded.system)]
    return Meaning((exact or found)[0], tuple(dict.fromkeys(notes)))


def _one(coded: Coded) -> Meaning:
    system = coded.system.strip().upper()
    if _is_mdc(system):
        return _of_mdc(coded)
    if system in ("LN", "LOINC", "HTTP://LOINC.ORG") and _LOINC.fullmatch(coded.code):
        parameter = parameter_of(0, coded.code)
        return Meaning(parameter.mdc if parameter else _text_of(coded.code))
    if system == "MDIL":
        term = _HEX_TERM.fullmatch(coded.code)
        return Meaning(_known(int(term[1], 16) << 16 | int(term[2], 16)), ("vendor_code",)) if term else Meaning(0)
    if system == "EHC":
        mdc, name = _EDAN.get(_number(coded.code), (0, ""))
        if mdc and coded.name and coded.name.upper() != name:
            raise Invalid(REASONS["codes_disagree"], code="codes_disagree")
        return Meaning(mdc, ("vendor_code",) if mdc else ())
    if system.startswith("99") or not system:
        return _of_mdc(coded) if coded.name.upper().startswith("MDC_") else Meaning(0)
    return Meaning(0)


def _is_mdc(system: str) -> bool:
    return system.strip().upper() in ("MDC", "URN:ISO:STD:ISO:11073:10101", "URN:OID:2.16.840.1.113883.6.24")


def _text_of(loinc: str) -> int:
    return next((mdc for mdc, code in TEXTS.items() if code == loinc), 0)


def _of_mdc(coded: Coded) -> Meaning:
    number, name = _number(coded.code), coded.name.strip().upper()
    by_name = _BY_NAME.get(name, 0)
    known = _known(number)
    if not name.startswith("MDC_"):
        # A text for people beside the number, or none at all.
        return Meaning(known)
    if name in _NAMES.get(known, ()):
        return Meaning(known)
    if number == 0:
        return Meaning(by_name, ("code_without_number",) if by_name else ())
    if by_name and number == by_name & 0xFFFF:
        return Meaning(by_name, ("code_without_partition",))
    if known or by_name:
        raise Invalid(REASONS["codes_disagree"], code="codes_disagree")
    return Meaning(0)


def _number(text: str) -> int:
    stripped = text.strip()
    number = int(stripped) if stripped.isascii() and stripped.isdigit() and len(stripped) <= 10 else 0
    return number if number <= _LARGEST else 0


def _known(number: int) -> int:
    return number if number in _NAMES else 0


def attribute(coded: Coded) -> int:
    """Return the number of an attribute or event; by its name if the number is 0, missing or another's. 0: unknown."""
    by_name = ATTRIBUTES.get(coded.name.strip().upper().replace("-", "_"), 0)
    return by_name or _number(coded.code)


def _compatible(one: int, other: int) -> bool:
    """Say whether two codes can stand for one value: the same, or sources of one number."""
    return one == other or bool(_FAMILIES.get(one, frozenset()) & _FAMILIES.get(other, frozenset()))


def _families() -> dict[int, frozenset[tuple[str, str]]]:
    families: dict[int, set[tuple[str, str]]] = {}
    for tile in TILES:
        for part in tile.parts:
            for mdc in part.sources:
                families.setdefault(mdc, set()).add((tile.group if part.name else tile.key, part.name))
    # Beside each other they say that the term is meant as a share; its unit decides.
    for mdc in (151708, 151728, ETCO2_FRACTION):
        families.setdefault(mdc, set()).add(("etco2", "share"))
    return {mdc: frozenset(names) for mdc, names in families.items()}


_FAMILIES = MappingProxyType(_families())


_PERFUSION = frozenset({150448, 150488})
_CO2 = frozenset({151708, 151728})
_PER_CENT = frozenset({"%", "262688", "MDC_DIM_PERCENT"})
_MILLIMETRES = frozenset({"mm", "263442", "MDC_DIM_MILLI_M"})
_DIMENSIONLESS = frozenset({"1", "262656", "MDC_DIM_DIMLESS"})


@dataclass(frozen=True, slots=True)
class Meant:
    """What a value is of, in which unit, and what was put right to say so."""

    mdc: int
    unit: str
    notes: tuple[str, ...] = ()


def in_unit(mdc: int, unit: str) -> Meant:
    """Return what a value of the parameter is that comes in the unit.

    A perfusion index is a number of per cent by definition; monitors send it (3.9) without a dimension, too. An ST
    segment's millimetres are those of ECG paper at 10 mm/mV. CO2 has one term for its pressure and for its share.
    """
    if mdc in ST_AMPLITUDES and unit in _MILLIMETRES:
        return Meant(mdc, DEFLECTION)
    if mdc in _CO2 and unit in _PER_CENT:
        return Meant(ETCO2_FRACTION, unit)
    if mdc in _PERFUSION and unit in _DIMENSIONLESS:
        return Meant(mdc, "%", ("index_in_percent",))
    return Meant(mdc, unit)


def unit_of(code: str, name: str, system: str) -> str:
    """Return the name under which vitals.units knows the unit, or the code itself if it knows none.

    Raises:
        Invalid: `unit_disagrees`: number and name are of different units.
    """
    code, name = code.strip(), name.strip()
    if system.strip().upper() == "MDIL" and (term := _HEX_TERM.fullmatch(code)):
        return str(int(term[1], 16) << 16 | int(term[2], 16))
    by_code, by_name = UNITS.get(code), UNITS.get(name)
    if by_code and by_name and by_code != by_name:
        raise Invalid(REASONS["unit_disagrees"], code="unit_disagrees")
    if by_code and name.startswith("MDC_") and by_name is None:
        raise Invalid(REASONS["unit_disagrees"], code="unit_disagrees")
    if code in ("", "0") and by_name:
        return name
    return code or name
