"""Parameters and waves we know: codes (ISO/IEEE 11073-10101, LOINC), units (UCUM), ranges, how long a value is fresh.

Outside `hard` a value is impossible and shown as none; outside `soft` it is questionable. The ranges are our choice,
within the measuring ranges of common monitors. A value older than `grey_after_s` is drawn grey with its age, one older
than `blank_after_s` reads `-?-`; None means that it is never blanked, as its age is always shown.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Range:
    """Both ends belong to it."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Parameter:
    """A numeric.

    Attributes:
        source: Where it comes from, as shown beside the value.
        interval_s: How often monitors send it; 0: when somebody measures.
        zero_is_none: Whether 0 stands for "no value" unless the device vouches for it.
    """

    mdc: int
    reference: str
    loinc: str
    unit: str
    hard: Range
    soft: Range
    decimals: int
    source: str
    interval_s: float
    grey_after_s: float
    blank_after_s: float | None
    zero_is_none: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One number of a tile: its sources (MDC codes), the best first."""

    name: str
    sources: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """A place on the screen: one number, or the two or three of a pressure."""

    key: str
    label: str
    unit_label: str
    group: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Wave:
    """A waveform.

    Attributes:
        low, high: What the trace's height stands for, in `unit`; equal when it scales itself.
        seconds: Width of the trace.
    """

    mdc: int
    reference: str
    label: str
    unit: str
    group: str
    low: float = 0.0
    high: float = 0.0
    seconds: float = 6.0


_HEART = (Range(0, 350), Range(20, 250))
_SYSTOLIC = (Range(20, 300), Range(50, 250))
_DIASTOLIC = (Range(10, 250), Range(20, 150))
_MEAN = (Range(10, 260), Range(30, 180))
_ARTERIAL = (Range(-50, 350), Range(50, 250))
_ARTERIAL_DIASTOLIC = (Range(-50, 350), Range(20, 150))
_ARTERIAL_MEAN = (Range(-50, 350), Range(30, 180))
_PULMONARY = (Range(-20, 150), Range(5, 100))
_VENOUS = (Range(-20, 60), Range(-5, 30))
_BREATH = (Range(0, 200), Range(4, 60))
_WARM = (Range(10, 46), Range(28, 42))
_SUGAR = (Range(5, 1500), Range(20, 600))

_CRANIAL = (Range(-20, 150), Range(0, 60))
_INSPIRED = (Range(0, 100), Range(0, 8))
_ST = (Range(-2, 2), Range(-0.5, 0.5))
_EXTRA_BEATS = (Range(0, 300), Range(0, 60))

_INTERVAL = (Range(100, 1000), Range(250, 600))
_OXYGEN = (Range(15, 100), Range(21, 100))

_EACH_SECOND = (1.0, 5.0, 10.0)
_PROBE = (1.0, 30.0, 60.0)
_CUFF = (0.0, 900.0, 3600.0)
_SPOT = (0.0, 3600.0, None)
_MINUTE = (60.0, 180.0, 600.0)

# The nomenclature has no code for these; the terms from 0xF000 on of each partition are left to private use.
GCS_TOTAL, GCS_EYE, GCS_VERBAL, GCS_MOTOR = 192513, 192514, 192515, 192516
O2_FLOW, PAIN, HEAD, ETCO2_FRACTION = 192517, 192518, 192519, 192520

_ST_LEADS = (
    (131841, "I"),
    (131842, "II"),
    (131901, "III"),
    (131902, "AVR"),
    (131903, "AVL"),
    (131904, "AVF"),
    *((131842 + n, f"V{n}") for n in range(1, 7)),
)

_Ranges = tuple[Range, Range]
_Freshness = tuple[float, float, float | None]
_Row = tuple[int, str, str, str, _Ranges, int, str, _Freshness]

_ROWS: tuple[_Row, ...] = (
    (147842, "MDC_ECG_HEART_RATE", "8867-4", "/min", _HEART, 0, "ECG", _EACH_SECOND),
    (149530, "MDC_PULS_OXIM_PULS_RATE", "8889-8", "/min", _HEART, 0, "Pleth", _EACH_SECOND),
    (149522, "MDC_BLD_PULS_RATE_INV", "", "/min", _HEART, 0, "ART", _EACH_SECOND),
    (149514, "MDC_PULS_RATE", "", "/min", _HEART, 0, "Pulse", _EACH_SECOND),
    (149546, "MDC_PULS_RATE_NON_INV", "", "/min", _HEART, 0, "NIBP", _CUFF),
    (150456, "MDC_PULS_OXIM_SAT_O2", "59408-5", "%", (Range(0, 100), Range(50, 100)), 0, "SpO2", _EACH_SECOND),
    (150448, "MDC_PULS_OXIM_PERF_REL", "", "%", (Range(0, 30), Range(0.02, 20)), 1, "SpO2", _EACH_SECOND),
    (150488, "MDC_BLD_PERF_INDEX", "", "%", (Range(0, 30), Range(0.02, 20)), 1, "SpO2", _EACH_SECOND),
    (150021, "MDC_PRESS_BLD_NONINV_SYS", "8480-6", "mm[Hg]", _SYSTOLIC, 0, "NIBP", _CUFF),
    (150022, "MDC_PRESS_BLD_NONINV_DIA", "8462-4", "mm[Hg]", _DIASTOLIC, 0, "NIBP", _CUFF),
    (150023, "MDC_PRESS_BLD_NONINV_MEAN", "8478-0", "mm[Hg]", _MEAN, 0, "NIBP", _CUFF),
    (150301, "MDC_PRESS_CUFF_SYS", "", "mm[Hg]", _SYSTOLIC, 0, "Cuff", _CUFF),
    (150302, "MDC_PRESS_CUFF_DIA", "", "mm[Hg]", _DIASTOLIC, 0, "Cuff", _CUFF),
    (150303, "MDC_PRESS_CUFF_MEAN", "", "mm[Hg]", _MEAN, 0, "Cuff", _CUFF),
    (150033, "MDC_PRESS_BLD_ART_SYS", "76215-3", "mm[Hg]", _ARTERIAL, 0, "ART", _EACH_SECOND),
    (150034, "MDC_PRESS_BLD_ART_DIA", "76213-8", "mm[Hg]", _ARTERIAL_DIASTOLIC, 0, "ART", _EACH_SECOND),
    (150035, "MDC_PRESS_BLD_ART_MEAN", "76214-6", "mm[Hg]", _ARTERIAL_MEAN, 0, "ART", _EACH_SECOND),
    (150017, "MDC_PRESS_BLD_SYS", "", "mm[Hg]", _ARTERIAL, 0, "IBP", _EACH_SECOND),
    (150018, "MDC_PRESS_BLD_DIA", "", "mm[Hg]", _ARTERIAL_DIASTOLIC, 0, "IBP", _EACH_SECOND),
    (150019, "MDC_PRESS_BLD_MEAN", "", "mm[Hg]", _ARTERIAL_MEAN, 0, "IBP", _EACH_SECOND),
    (150037, "MDC_PRESS_BLD_ART_ABP_SYS", "", "mm[Hg]", _ARTERIAL, 0, "ABP", _EACH_SECOND),
    (150038, "MDC_PRESS_BLD_ART_ABP_DIA", "", "mm[Hg]", _ARTERIAL_DIASTOLIC, 0, "ABP", _EACH_SECOND),
    (150039, "MDC_PRESS_BLD_ART_ABP_MEAN", "", "mm[Hg]", _ARTERIAL_MEAN, 0, "ABP", _EACH_SECOND),
    (150045, "MDC_PRESS_BLD_ART_PULM_SYS", "", "mm[Hg]", _PULMONARY, 0, "PAP", _EACH_SECOND),
    (150046, "MDC_PRESS_BLD_ART_PULM_DIA", "", "mm[Hg]", (Range(-20, 150), Range(0, 60)), 0, "PAP", _EACH_SECOND),
    (150047, "MDC_PRESS_BLD_ART_PULM_MEAN", "", "mm[Hg]", _PULMONARY, 0, "PAP", _EACH_SECOND),
    (150087, "MDC_PRESS_BLD_VEN_CENT_MEAN", "60985-9", "mm[Hg]", _VENOUS, 0, "CVP", _EACH_SECOND),
    (150084, "MDC_PRESS_BLD_VEN_CENT", "", "mm[Hg]", _VENOUS, 0, "CVP", _EACH_SECOND),
    (153608, "MDC_PRESS_INTRA_CRAN", "", "mm[Hg]", _CRANIAL, 0, "ICP", _EACH_SECOND),
    (153604, "MDC_PRESS_CEREB_PERF", "", "mm[Hg]", _CRANIAL, 0, "CPP", _EACH_SECOND),
    (151562, "MDC_RESP_RATE", "9279-1", "/min", _BREATH, 0, "Resp", _EACH_SECOND),
    (151578, "MDC_TTHOR_RESP_RATE", "", "/min", _BREATH, 0, "Resp", _EACH_SECOND),
    (151658, "MDC_PULS_OXIM_PLETH_RESP_RATE", "", "/min", _BREATH, 0, "Pleth", _EACH_SECOND),
    (151594, "MDC_CO2_RESP_RATE", "", "/min", _BREATH, 0, "CO2", _EACH_SECOND),
    (151570, "MDC_AWAY_RESP_RATE", "", "/min", _BREATH, 0, "Airway", _EACH_SECOND),
    (151586, "MDC_VENT_RESP_RATE", "", "/min", _BREATH, 0, "Vent", _EACH_SECOND),
    (151708, "MDC_CONC_AWAY_CO2_ET", "19891-1", "mm[Hg]", (Range(0, 150), Range(10, 80)), 0, "CO2", _EACH_SECOND),
    (151728, "MDC_AWAY_CO2_ET", "", "mm[Hg]", (Range(0, 150), Range(10, 80)), 0, "CO2", _EACH_SECOND),
    (
        ETCO2_FRACTION,
        "TELEHEALTH_CO2_ET_FRACTION",
        "19889-5",
        "%",
        (Range(0, 20), Range(1, 10)),
        1,
        "CO2",
        _EACH_SECOND,
    ),
    (151716, "MDC_CONC_AWAY_CO2_INSP", "", "mm[Hg]", _INSPIRED, 0, "CO2", _EACH_SECOND),
    (151738, "MDC_AWAY_CO2_INSP_MIN", "", "mm[Hg]", _INSPIRED, 0, "CO2", _EACH_SECOND),
    (150344, "MDC_TEMP", "8310-5", "Cel", _WARM, 1, "Temp", _PROBE),
    (150364, "MDC_TEMP_BODY", "", "Cel", _WARM, 1, "Body", _PROBE),
    (150368, "MDC_TEMP_CORE", "8329-5", "Cel", _WARM, 1, "Core", _PROBE),
    (188436, "MDC_TEMP_BLD", "", "Cel", _WARM, 1, "Blood", _PROBE),
    (150352, "MDC_TEMP_ART", "", "Cel", _WARM, 1, "Artery", _PROBE),
    (150356, "MDC_TEMP_AWAY", "", "Cel", _WARM, 1, "Airway", _PROBE),
    (150372, "MDC_TEMP_ESOPH", "", "Cel", _WARM, 1, "Oesophagus", _PROBE),
    (150380, "MDC_TEMP_NASOPH", "", "Cel", _WARM, 1, "Nose", _PROBE),
    (188420, "MDC_TEMP_RECT", "", "Cel", _WARM, 1, "Rectum", _SPOT),
    (150392, "MDC_TEMP_TYMP", "", "Cel", _WARM, 1, "Ear", _SPOT),
    (188424, "MDC_TEMP_ORAL", "", "Cel", _WARM, 1, "Mouth", _SPOT),
    (188496, "MDC_TEMP_AXILLA", "", "Cel", _WARM, 1, "Armpit", _SPOT),
    (150388, "MDC_TEMP_SKIN", "", "Cel", (Range(10, 46), Range(20, 42)), 1, "Skin", _PROBE),
    (160184, "MDC_CONC_GLU_CAPILLARY_WHOLEBLOOD", "2339-0", "mg/dL", _SUGAR, 0, "Strip", _SPOT),
    (160020, "MDC_CONC_GLU_GEN", "", "mg/dL", _SUGAR, 0, "Glucose", _SPOT),
    (160368, "MDC_CONC_GLU_UNDETERMINED_PLASMA", "", "mg/dL", _SUGAR, 0, "Plasma", _SPOT),
    (147232, "MDC_ECG_TIME_PD_QT_GL", "8634-8", "ms", _INTERVAL, 0, "ECG", _MINUTE),
    (147236, "MDC_ECG_TIME_PD_QTc", "8636-3", "ms", _INTERVAL, 0, "ECG", _MINUTE),
    *((mdc, f"MDC_ECG_AMPL_ST_{lead}", "", "mV", _ST, 2, "ECG", _MINUTE) for mdc, lead in _ST_LEADS),
    (148065, "MDC_ECG_V_P_C_CNT", "", "/min", _EXTRA_BEATS, 0, "ECG", _MINUTE),
    (148066, "MDC_ECG_V_P_C_RATE", "", "/min", _EXTRA_BEATS, 0, "ECG", _MINUTE),
    (152196, "MDC_CONC_AWAY_O2_INSP", "3150-6", "%", _OXYGEN, 0, "Airway", _MINUTE),
    (188736, "MDC_MASS_BODY_ACTUAL", "29463-7", "kg", (Range(0.2, 650), Range(0.5, 350)), 1, "Scale", _SPOT),
    (188740, "MDC_LEN_BODY_ACTUAL", "8302-2", "cm", (Range(20, 260), Range(30, 230)), 1, "Measure", _SPOT),
    (188752, "MDC_RATIO_MASS_BODY_LEN_SQ", "39156-5", "kg/m2", (Range(3, 250), Range(8, 100)), 1, "Scale", _SPOT),
    (O2_FLOW, "TELEHEALTH_O2_FLOW", "3151-8", "L/min", (Range(0, 80), Range(0, 70)), 1, "Observer", _SPOT),
    (PAIN, "TELEHEALTH_PAIN", "72514-3", "{score}", (Range(0, 10), Range(0, 10)), 0, "Observer", _SPOT),
    (HEAD, "TELEHEALTH_HEAD", "9843-4", "cm", (Range(20, 100), Range(25, 65)), 1, "Measure", _SPOT),
    (GCS_TOTAL, "TELEHEALTH_GCS_TOTAL", "9269-2", "{score}", (Range(3, 15), Range(3, 15)), 0, "Observer", _SPOT),
    (GCS_EYE, "TELEHEALTH_GCS_EYE", "9267-6", "{score}", (Range(1, 4), Range(1, 4)), 0, "Observer", _SPOT),
    (GCS_VERBAL, "TELEHEALTH_GCS_VERBAL", "9270-0", "{score}", (Range(1, 5), Range(1, 5)), 0, "Observer", _SPOT),
    (GCS_MOTOR, "TELEHEALTH_GCS_MOTOR", "9268-4", "{score}", (Range(1, 6), Range(1, 6)), 0, "Observer", _SPOT),
)

_ZERO_IS_NONE = frozenset(
    {147842, 149530, 149522, 149514, 149546, 150456, 151562, 151578, 151658, 151594, 151570, 151586, 150448, 150488}
)

HEART_RATE, PULSE_RATE, SPO2, PERFUSION = 147842, 149530, 150456, 150448
NIBP_SYSTOLIC, NIBP_DIASTOLIC, NIBP_MEAN = 150021, 150022, 150023
ABP_SYSTOLIC, ABP_DIASTOLIC, ABP_MEAN = 150037, 150038, 150039
PAP_SYSTOLIC, PAP_DIASTOLIC, PAP_MEAN = 150045, 150046, 150047
CVP_MEAN, RESP_RATE, TEMPERATURE = 150087, 151562, 150344


def _parameter(row: _Row) -> Parameter:
    mdc, reference, loinc, unit, (hard, soft), decimals, source, (interval_s, grey_after_s, blank_after_s) = row
    return Parameter(
        mdc,
        reference,
        loinc,
        unit,
        hard,
        soft,
        decimals,
        source,
        interval_s,
        grey_after_s,
        blank_after_s,
        zero_is_none=mdc in _ZERO_IS_NONE,
    )


PARAMETERS = MappingProxyType({row[0]: _parameter(row) for row in _ROWS})
"""By MDC code."""

ST_AMPLITUDES = frozenset(mdc for mdc, _ in _ST_LEADS)
UNTILED = ST_AMPLITUDES | {
    147232,
    147236,
    148065,
    148066,
    151716,
    151738,
    152196,
    153604,
    153608,
    188736,
    188740,
    188752,
    GCS_TOTAL,
    GCS_EYE,
    GCS_VERBAL,
    GCS_MOTOR,
    O2_FLOW,
    PAIN,
    HEAD,
    ETCO2_FRACTION,
}
"""Kept and told, but no tile of the monitor shows them."""

RHYTHM = 184327
TEXTS = MappingProxyType({RHYTHM: "8884-9"})
"""Observations that are a text, not a number: LOINC by MDC code."""

_TEMPERATURES = frozenset(mdc for mdc, parameter in PARAMETERS.items() if parameter.unit == "Cel")
_GENERAL_TEMPERATURE = PARAMETERS[TEMPERATURE].loinc

PRIVATE_TERMS = 0xF000
"""Terms from here on are nobody's but ours: they are not told to others as MDC codes."""

# Other LOINC codes in use for what a row's own code says.
_BY_LOINC = MappingProxyType(
    {parameter.loinc: parameter for parameter in PARAMETERS.values() if parameter.loinc}
    | {
        "2708-6": PARAMETERS[SPO2],
        "41653-7": PARAMETERS[160184],
        "15074-8": PARAMETERS[160184],
        "38208-5": PARAMETERS[PAIN],
    }
)

PRESSURES = MappingProxyType(
    {
        NIBP_SYSTOLIC: (NIBP_DIASTOLIC, NIBP_MEAN),
        150301: (150302, 150303),
        150033: (150034, 150035),
        150017: (150018, 150019),
        ABP_SYSTOLIC: (ABP_DIASTOLIC, ABP_MEAN),
        PAP_SYSTOLIC: (PAP_DIASTOLIC, PAP_MEAN),
    }
)
"""By the code of a systolic pressure, those of its diastolic and mean."""

TILES = (
    Tile("heart-rate", "HR", "/min", "ecg", (Part("", (147842, 149530, 149522, 149514, 149546)),)),
    Tile("pulse-rate", "PR", "/min", "pleth", (Part("", (149530, 149514)),)),
    Tile("spo2", "SpO₂", "%", "pleth", (Part("", (150456,)),)),
    Tile("perfusion", "PI", "%", "pleth", (Part("", (150448, 150488)),)),
    Tile("resp-rate", "RR", "/min", "resp", (Part("", (151562, 151578, 151594, 151570, 151586, 151658)),)),
    Tile(
        "nibp",
        "NIBP",
        "mmHg",
        "pressure",
        (
            Part("systolic", (150021, 150301)),
            Part("diastolic", (150022, 150302)),
            Part("mean", (150023, 150303)),
        ),
    ),
    Tile(
        "art",
        "ART",
        "mmHg",
        "pressure",
        (
            Part("systolic", (150033, 150037, 150017)),
            Part("diastolic", (150034, 150038, 150018)),
            Part("mean", (150035, 150039, 150019)),
        ),
    ),
    Tile(
        "pap",
        "PAP",
        "mmHg",
        "pulmonary",
        (Part("systolic", (150045,)), Part("diastolic", (150046,)), Part("mean", (150047,))),
    ),
    Tile("cvp", "CVP", "mmHg", "venous", (Part("", (150087, 150084)),)),
    Tile("etco2", "EtCO₂", "mmHg", "co2", (Part("", (151708, 151728)),)),
    Tile(
        "temperature",
        "Temp",
        "°C",
        "temperature",
        (
            Part(
                "",
                (
                    150368,
                    188436,
                    150352,
                    150372,
                    150380,
                    150356,
                    150344,
                    150364,
                    188420,
                    150392,
                    188424,
                    188496,
                    150388,
                ),
            ),
        ),
    ),
    Tile("glucose", "Glucose", "mg/dL", "glucose", (Part("", (160184, 160020, 160368)),)),
)
"""In the order of the screen. Of several sources of one number the first that is fresh is shown, and named."""

_LEADS = (
    (131328, "ECG"),
    (131329, "I"),
    (131330, "II"),
    (131389, "III"),
    (131390, "aVR"),
    (131391, "aVL"),
    (131392, "aVF"),
    (131331, "V1"),
    (131332, "V2"),
    (131333, "V3"),
    (131334, "V4"),
    (131335, "V5"),
    (131336, "V6"),
    (131395, "V"),
    (131403, "MCL"),
    (131404, "MCL1"),
)

WAVES = MappingProxyType(
    {
        wave.mdc: wave
        for wave in (
            *(Wave(mdc, f"MDC_ECG_LEAD_{name.upper()}", name, "mV", "ecg", -1.0, 1.5) for mdc, name in _LEADS),
            Wave(150452, "MDC_PULS_OXIM_PLETH", "Pleth", "1", "pleth"),
            Wave(151780, "MDC_IMPED_TTHOR", "Resp", "Ohm", "resp", seconds=24.0),
            Wave(151552, "MDC_RESP", "Resp", "1", "resp", seconds=24.0),
            Wave(150016, "MDC_PRESS_BLD", "Pressure", "mm[Hg]", "pressure", 0.0, 180.0),
            Wave(150032, "MDC_PRESS_BLD_ART", "ART", "mm[Hg]", "pressure", 0.0, 180.0),
            Wave(150036, "MDC_PRESS_BLD_ART_ABP", "ABP", "mm[Hg]", "pressure", 0.0, 180.0),
            Wave(150044, "MDC_PRESS_BLD_ART_PULM", "PAP", "mm[Hg]", "pulmonary", 0.0, 60.0),
            Wave(150084, "MDC_PRESS_BLD_VEN_CENT", "CVP", "mm[Hg]", "venous", -5.0, 30.0),
            Wave(151724, "MDC_AWAY_CO2", "CO₂", "mm[Hg]", "co2", 0.0, 60.0, 24.0),
            Wave(153608, "MDC_PRESS_INTRA_CRAN", "ICP", "mm[Hg]", "other", 0.0, 60.0),
            Wave(151764, "MDC_FLOW_AWAY", "Flow", "L/min", "other", seconds=24.0),
            Wave(151792, "MDC_PRESS_AWAY", "Paw", "cm[H2O]", "other", seconds=24.0),
            Wave(153900, "MDC_EEG_ELEC_POTL_CRTX", "EEG", "uV", "other"),
        )
    }
)
"""By MDC code."""


def parameter_of(mdc: int, loinc: str) -> Parameter | None:
    """Return the parameter of the MDC code or, if that is 0, of the LOINC code; None if we don't know it."""
    return PARAMETERS.get(mdc) if mdc else _BY_LOINC.get(loinc)


def public_mdc(mdc: int) -> int | None:
    """Return the MDC code to tell others; None for what the nomenclature has no code for."""
    if mdc == ETCO2_FRACTION:
        # One term for the pressure and the share: the unit tells which.
        return 151708
    return mdc if mdc & 0xFFFF < PRIVATE_TERMS else None


def loinc_of(mdc: int) -> str:
    """Return the LOINC code to tell others; of a source without one of its own, that of the quantity; else empty."""
    if mdc in TEXTS:
        return TEXTS[mdc]
    # LOINC has one code for heart rates and pulses in the vital signs of FHIR.
    if mdc not in PARAMETERS or mdc in TILES[0].parts[0].sources:
        return PARAMETERS[HEART_RATE].loinc if mdc in PARAMETERS else ""
    siblings = (part.sources for tile in TILES for part in tile.parts if mdc in part.sources)
    named = (PARAMETERS[source].loinc for sources in siblings for source in (mdc, *sources))
    return PARAMETERS[mdc].loinc or (_GENERAL_TEMPERATURE if mdc in _TEMPERATURES else next(filter(None, named), ""))


def as_page_data() -> dict[str, Any]:
    """Return the tables as a page needs them, ready for JSON."""
    return {
        "tiles": [_tile(tile) for tile in TILES],
        "waves": [
            {
                "mdc": wave.mdc,
                "label": wave.label,
                "unit": wave.unit,
                "group": wave.group,
                "low": wave.low,
                "high": wave.high,
                "seconds": wave.seconds,
            }
            for wave in WAVES.values()
        ],
    }


def _tile(tile: Tile) -> dict[str, Any]:
    return {
        "key": tile.key,
        "label": tile.label,
        "unit_label": tile.unit_label,
        "group": tile.group,
        "parts": [{"name": p.name, "sources": [_source(PARAMETERS[mdc]) for mdc in p.sources]} for p in tile.parts],
    }


def _source(parameter: Parameter) -> dict[str, Any]:
    return {
        "mdc": parameter.mdc,
        "source": parameter.source,
        "unit": parameter.unit,
        "decimals": parameter.decimals,
        "interval_s": parameter.interval_s,
        "grey_after_s": parameter.grey_after_s,
        "blank_after_s": parameter.blank_after_s,
    }
