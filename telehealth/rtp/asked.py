"""How many packets a receiver lost, by those that it asks for (RFC 4585 §6.2.1).

The packets of one picture leave together and may overtake each other; a browser then asks at once for what is only a
little late. Nothing follows the last packet of a picture closely enough to overtake it. So a last one that is asked for
stands for its whole picture, and the others for none. What is asked for again is counted once.
"""

LIMIT = 2048
"""Packets remembered; whoever asks for more in a second or two lost most of them anyway."""


class Asked:
    """Counts between two calls of `settle`, about a second."""

    __slots__ = ("_before", "_likely", "_most", "_now")

    def __init__(self) -> None:
        self._now: set[tuple[int, int]] = set()
        self._before: set[tuple[int, int]] = set()
        self._most = 0
        self._likely = 0

    def note(self, ssrc: int, number: int, stands_for: int) -> None:
        """Count a packet that is asked for, and how many packets it stands for."""
        packet = (ssrc, number)
        if packet not in self._now and packet not in self._before:
            self._most += 1
            self._likely += stands_for
        if len(self._now) < LIMIT:
            self._now.add(packet)

    def settle(self) -> int:
        """Return how many were lost since the last call: never more than were asked for."""
        lost = min(self._most, self._likely)
        self._before, self._now = self._now, set()
        self._most = self._likely = 0
        return lost
