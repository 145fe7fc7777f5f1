"""How lossy the way to one receiver is, and how many copies its sound is worth.

Repair hides loss from receiver reports: a copy that arrives counts as the packet. So copies begin when loss shows and
end only after it has been gone for long, far below what it would have to be without them.
"""

from telehealth.rtp.asked import Asked

REPEAT_AT = 0.03
REPEAT_TWICE_AT = 0.12
CALM_BELOW = 0.004
CALM_S = 20.0
DEAF_S = 2.2
"""Two reports, and a little."""
_WEIGHT = 0.5
_ENOUGH_PACKETS = 20


class LinkLoss:
    """Merges reported loss and requests for lost packets into one share of packets lost.

    Attributes:
        share: Of packets lost lately, 0 … 1.
        lasting: What was lost in each of the last two seconds at least: a single bad one is no weak link.
        asked: What the receiver asks for again.
        reported: What was lost in the last second by the receiver's own report alone; None if none came.
        copies: How many earlier packets of a voice to send along with each new one: 0, 1 or 2.
    """

    __slots__ = (
        "_calm_since",
        "_deaf_until",
        "_heard",
        "_latest",
        "_most_copies",
        "_reported",
        "_sent",
        "asked",
        "copies",
        "lasting",
        "reported",
        "share",
    )

    def __init__(self) -> None:
        self.share = 0.0
        self.lasting = 0.0
        self.reported: float | None = None
        self._heard = False
        self.copies = 0
        self.asked = Asked()
        self._reported = self._latest = 0.0
        self._sent = 0
        self._calm_since: float | None = None
        self._most_copies = 2
        self._deaf_until = float("-inf")

    def restart(self, now: float, *, most_copies: int) -> None:
        """Forget what was lost: something else is sent from now on, with so many copies at most.

        A stream that paused goes on with later numbers, and its receiver takes the pause for loss: for a while its
        reports say nothing.
        """
        self._deaf_until = now + DEAF_S
        self.share = self.lasting = self._latest = self._reported = 0.0
        self.asked = Asked()
        self._calm_since = None
        self._most_copies = most_copies
        self.copies = min(self.copies, most_copies)

    def told(self, fraction: int, *, before: float = 0.0) -> None:
        """Take the fraction lost of a report block, in 1/256 (RFC 3550 §6.4.1).

        Args:
            fraction: Lost of what was sent at the very beginning.
            before: Share of that which had never come here; it has nothing to do with this link.
        """
        self._heard = True
        if before < 1.0:
            self._reported = max(self._reported, 1.0 - (1.0 - fraction / 256.0) / (1.0 - before))

    def settle(self, sent: int, now: float) -> None:
        """Judge the time since the last call, about a second, in which the total of packets sent grew to `sent`."""
        passed, self._sent = sent - self._sent, sent
        lost = self.asked.settle()
        if now < self._deaf_until:
            lost, self._reported = 0, 0.0
        asked = lost / passed if passed >= _ENOUGH_PACKETS else 0.0
        loss = min(1.0, max(self._reported, asked))
        self.reported = self._reported if self._heard else None
        self._heard = False
        self._reported = 0.0
        self.lasting, self._latest = min(self._latest, loss), loss
        # Up at once, down slowly.
        self.share = max(loss, self.share + _WEIGHT * (loss - self.share))
        self._set_copies(loss, now)

    def _set_copies(self, loss: float, now: float) -> None:
        if loss >= REPEAT_TWICE_AT:
            self.copies = 2
        elif loss >= REPEAT_AT:
            self.copies = max(self.copies, 1)
        self.copies = min(self.copies, self._most_copies)
        if loss > CALM_BELOW:
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = now
        elif self.copies and now - self._calm_since >= CALM_S:
            self.copies -= 1
            self._calm_since = now
