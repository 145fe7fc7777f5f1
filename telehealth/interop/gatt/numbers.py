"""The decimal numbers of medical sensors: SFLOAT (16 bits) and FLOAT (32 bits) of ISO/IEEE 11073-20601, annex F.7."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from telehealth.errors import Invalid


class Special(StrEnum):
    """What stands for no number; the names are those of FHIR's data-absent-reason."""

    NOT_A_NUMBER = "not_a_number"
    NOT_AT_THIS_RESOLUTION = "not_at_this_resolution"
    POSITIVE_INFINITY = "positive_infinity"
    NEGATIVE_INFINITY = "negative_infinity"
    RESERVED = "reserved"


@dataclass(frozen=True, slots=True)
class Number:
    """A decimal number: mantissa × 10 ^ exponent, or something special in its place."""

    mantissa: int
    exponent: int = 0
    special: Special | None = None

    @property
    def value(self) -> float | None:
        """The number as it was meant (364 × 10 ^ -1 is 36.4); None for something special."""
        return self.scaled(0)

    @property
    def decimals(self) -> int:
        """How many decimals the sensor vouches for."""
        return max(0, -self.exponent)

    def scaled(self, power: int) -> float | None:
        """Return value × 10 ^ power, rounded once; None for something special."""
        if self.special is not None:
            return None
        exponent = self.exponent + power
        # A division of whole numbers is rounded once; a product with 0.1 would be rounded twice.
        return float(self.mantissa * 10**exponent) if exponent >= 0 else self.mantissa / 10**-exponent


@dataclass(frozen=True, slots=True)
class _Format:
    """How many bits the parts have, and which raw values are special."""

    mantissa_bits: int
    exponent_bits: int
    specials: MappingProxyType[int, Special]

    def decode(self, raw: int) -> Number:
        # Before splitting: the special values are whole words, and only with exponent 0.
        if raw in self.specials:
            return Number(0, 0, self.specials[raw])
        mantissa = _signed(raw & ((1 << self.mantissa_bits) - 1), self.mantissa_bits)
        return Number(mantissa, _signed(raw >> self.mantissa_bits, self.exponent_bits))

    def encode(self, number: Number) -> int:
        if number.special is not None:
            return next(raw for raw, special in self.specials.items() if special is number.special)
        half_mantissa, half_exponent = 1 << (self.mantissa_bits - 1), 1 << (self.exponent_bits - 1)
        fits = -half_mantissa <= number.mantissa < half_mantissa and -half_exponent <= number.exponent < half_exponent
        raw = (number.exponent % (2 * half_exponent)) << self.mantissa_bits | number.mantissa % (2 * half_mantissa)
        if not fits or raw in self.specials:
            raise Invalid("The number has no place in this format.", code="bad_number")
        return raw


def _signed(raw: int, bits: int) -> int:
    return raw - (1 << bits) if raw >> (bits - 1) else raw


def _specials(top: int) -> MappingProxyType[int, Special]:
    """Return the special values around the largest mantissa."""
    return MappingProxyType(
        {
            top: Special.NOT_A_NUMBER,
            top + 1: Special.NOT_AT_THIS_RESOLUTION,
            top - 1: Special.POSITIVE_INFINITY,
            top + 3: Special.NEGATIVE_INFINITY,
            top + 2: Special.RESERVED,
        }
    )


_SFLOAT = _Format(12, 4, _specials(0x07FF))
_FLOAT = _Format(24, 8, _specials(0x007F_FFFF))


def sfloat(raw: int) -> Number:
    """Return the number in 16 bits."""
    return _SFLOAT.decode(raw)


def sfloat_raw(number: Number) -> int:
    """Return the 16 bits of a number; Invalid (bad_number) if it has no place in them."""
    return _SFLOAT.encode(number)


def medical_float(raw: int) -> Number:
    """Return the number in 32 bits."""
    return _FLOAT.decode(raw)


def medical_float_raw(number: Number) -> int:
    """Return the 32 bits of a number; Invalid (bad_number) if it has no place in them."""
    return _FLOAT.encode(number)
