"""A monitor's journal: what was sent and not yet acknowledged, bounded, in order."""

from collections import OrderedDict

Frame = str | bytes
Key = tuple[int, int]
"""Channel and sequence."""


class Journal:
    """Frames until they are acknowledged. Beyond the limit the oldest are given up.

    Attributes:
        lost: How many were given up.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._frames: OrderedDict[Key, Frame] = OrderedDict()
        self._unsent: OrderedDict[Key, None] = OrderedDict()
        self.lost = 0

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, channel: int, sequence: int, frame: Frame) -> None:
        """Keep a new frame, to be sent."""
        self._frames[channel, sequence] = frame
        self._unsent[channel, sequence] = None
        if len(self._frames) > self._limit:
            oldest, _ = self._frames.popitem(last=False)
            self._unsent.pop(oldest, None)
            self.lost += 1

    def acknowledge(self, last: dict[int, int]) -> None:
        """Forget what is stored: up to these sequences, by channel."""
        for key in [key for key in self._frames if key[1] <= last.get(key[0], -1)]:
            self.give_up(*key)

    def give_up(self, channel: int, sequence: int) -> None:
        """Forget a frame that the server will never take."""
        self._frames.pop((channel, sequence), None)
        self._unsent.pop((channel, sequence), None)

    def send_again(self) -> None:
        """Consider nothing as sent: the line is a new one."""
        self._unsent = OrderedDict.fromkeys(self._frames)

    def next_unsent(self) -> Frame | None:
        """Return the oldest frame not yet sent on this line, and consider it sent."""
        if not self._unsent:
            return None
        key, _ = self._unsent.popitem(last=False)
        return self._frames[key]
