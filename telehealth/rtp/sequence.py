"""Arithmetic modulo 2^16 on sequence numbers (RFC 3550, appendix A.1)."""

MODULUS = 1 << 16
HALF = 1 << 15


def distance(earlier: int, later: int) -> int:
    """Return how many steps `later` is ahead of `earlier`: −32768 … 32767, negative when it is behind."""
    return ((later - earlier + HALF) & 0xFFFF) - HALF


def following(number: int) -> int:
    """Return the number after this one."""
    return (number + 1) & 0xFFFF


class Unwrapper:
    """Turns 16-bit numbers into ever-growing ones, by taking the shortest way from the highest seen."""

    __slots__ = ("highest",)

    def __init__(self, first: int) -> None:
        self.highest = first

    def unwrap(self, number: int) -> int:
        """Return the extended number; one that is behind may be lower than those before, even below zero."""
        extended = self.highest + distance(self.highest & 0xFFFF, number)
        self.highest = max(self.highest, extended)
        return extended
