"""Whose turn it is: upkeep comes round to each room every tenth of a second, one room at a time."""

from collections import deque

from telehealth.sfu.limits import TICK_S
from telehealth.sfu.room import Room


class Rota:
    """A queue of rooms by when they are due; all wait equally long, so who goes to its end is due last."""

    def __init__(self) -> None:
        self._queue: deque[tuple[float, Room]] = deque()

    def add(self, room: Room, now: float) -> None:
        """Let a room take its first turn after a tenth of a second."""
        self._queue.append((now + TICK_S, room))

    def turn(self, now: float) -> Room | None:
        """Return a room whose turn has come, and let it queue again; None if there is none. A closed one is let go."""
        queue = self._queue
        while queue and queue[0][0] <= now:
            room = queue.popleft()[1]
            if not room.closed:
                queue.append((now + TICK_S, room))
                return room
        return None
