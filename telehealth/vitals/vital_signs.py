"""Vital signs as people speak of them: one quantity each, whatever its sources, so that one event alarms once.

A heart rate and the pulse that a finger clip counts are the same event; so are arterial line and cuff. The order of the
sources is that of the tiles (codes.TILES).
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from telehealth.vitals.codes import PARAMETERS, TILES, Range


class Vital(StrEnum):
    """A quantity that has limits and enters scores."""

    HEART_RATE = "heart_rate"
    SPO2 = "spo2"
    RESP_RATE = "resp_rate"
    SYSTOLIC = "systolic"
    DIASTOLIC = "diastolic"
    MEAN = "mean"
    ETCO2 = "etco2"
    TEMPERATURE = "temperature"
    GLUCOSE = "glucose"


@dataclass(frozen=True, slots=True)
class VitalSign:
    """What is known of a vital.

    Attributes:
        label: As it stands in the text of an alarm.
        tile: Key of the tile that shows it; of a pressure, that of its best source.
        sources: MDC codes, the best first.
    """

    vital: Vital
    label: str
    tile: str
    sources: tuple[int, ...]

    @property
    def unit(self) -> str:
        return PARAMETERS[self.sources[0]].unit

    @property
    def decimals(self) -> int:
        return PARAMETERS[self.sources[0]].decimals

    @property
    def range(self) -> Range:
        """What a limit may be: a value that some source can have."""
        hard = [PARAMETERS[mdc].hard for mdc in self.sources]
        return Range(min(one.low for one in hard), max(one.high for one in hard))

    def written(self, value: float) -> str:
        """Return the value as it is read out."""
        return f"{value:.{self.decimals}f}"


def _sources(tile: str, part: int = 0) -> tuple[int, ...]:
    return next(one.parts[part].sources for one in TILES if one.key == tile)


def _sign(vital: Vital, label: str, tile: str) -> VitalSign:
    return VitalSign(vital, label, tile, _sources(tile))


def _pressure(vital: Vital, label: str, part: int) -> VitalSign:
    return VitalSign(vital, label, "nibp", _sources("art", part) + _sources("nibp", part))


SIGNS = MappingProxyType(
    {
        sign.vital: sign
        for sign in (
            _sign(Vital.HEART_RATE, "HR", "heart-rate"),
            _sign(Vital.SPO2, "SpO2", "spo2"),
            _sign(Vital.RESP_RATE, "RR", "resp-rate"),
            _pressure(Vital.SYSTOLIC, "SYS", 0),
            _pressure(Vital.DIASTOLIC, "DIA", 1),
            _pressure(Vital.MEAN, "MEAN", 2),
            _sign(Vital.ETCO2, "EtCO2", "etco2"),
            _sign(Vital.TEMPERATURE, "TEMP", "temperature"),
            _sign(Vital.GLUCOSE, "GLUCOSE", "glucose"),
        )
    }
)
"""By vital, in the order of the screen."""

VITAL_OF = MappingProxyType({mdc: sign.vital for sign in SIGNS.values() for mdc in sign.sources})
"""By MDC code, the vital that the parameter is a source of."""


def is_episodic(mdc: int) -> bool:
    """Say whether the parameter is measured now and then: its value holds until the next one."""
    return PARAMETERS[mdc].interval_s == 0


SPOT_S = 300.0
SLOW_SPOT_S = 3600.0
"""How long a value speaks for the present that was measured once: of what changes within seconds, and of the rest."""

_FAST_S = 60.0


def fresh_s(mdc: int, *, spot: bool = False) -> float:
    """Return how long a value of the parameter may speak for the present, in seconds."""
    parameter = PARAMETERS[mdc]
    own_s = parameter.blank_after_s if parameter.blank_after_s is not None else parameter.grey_after_s
    if not spot:
        return own_s
    return max(own_s, SPOT_S if own_s < _FAST_S else SLOW_SPOT_S)
