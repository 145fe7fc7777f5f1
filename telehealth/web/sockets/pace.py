"""Whether a reader is behind: a question goes along with what is sent; the answer says that all before it came through.

The buffers of this machine, of a proxy and of the network hide what waits in them. A ping (RFC 6455 §5.5.2), which
every client answers by itself and in turn, does not.
"""

import struct

from telehealth.clock import Clock

ASK_S = 0.5
"""Between two questions."""
BEHIND_S = 0.6
"""Who has not answered for so long, or for twice as long as the quickest answer took, gets nothing until the answer."""

_QUESTION = struct.Struct("!I")


class Pace:
    """Asks, hears answers, and judges by them.

    Attributes:
        slow: Whether the reader was ever behind; a link that was narrow once may be so again.
    """

    def __init__(self, clock: Clock) -> None:
        self.slow = False
        self._clock = clock
        self._number = 0
        self._asked_at = float("-inf")
        self._open = False
        self._least_s = float("inf")

    def question(self) -> bytes | None:
        """Return what to ask along with what is sent now; None while an answer is missing, or came just now."""
        now = self._clock.monotonic()
        if self._open or now - self._asked_at < ASK_S:
            return None
        self._number = (self._number + 1) & 0xFFFF_FFFF
        self._asked_at, self._open = now, True
        return _QUESTION.pack(self._number)

    def answered(self, answer: bytes) -> None:
        """Take an answer; one to no question of ours changes nothing."""
        if self._open and answer == _QUESTION.pack(self._number):
            self._open = False
            self._least_s = min(self._least_s, self._clock.monotonic() - self._asked_at)

    @property
    def behind(self) -> bool:
        """Whether to wait: what was sent before has not come through."""
        if not self._open:
            return False
        usual_s = 2 * self._least_s if self._least_s < float("inf") else BEHIND_S
        behind = self._clock.monotonic() - self._asked_at > max(BEHIND_S, usual_s)
        self.slow = self.slow or behind
        return behind
