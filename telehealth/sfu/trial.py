"""Transports that belong to no room: a browser sees by them, before it joins, which way it reaches us.

An ICE-lite side answers authenticated checks by its own credentials, so the browser's answer is not even needed: its
checks succeed, or they don't. There is no handshake and so no key, and nothing is received or forwarded.
"""

from collections.abc import Callable

from telehealth.errors import Unavailable
from telehealth.sfu.demultiplexer import Demultiplexer
from telehealth.sfu.limits import TRIAL_S, TRIALS
from telehealth.sfu.offer import Direction, Endpoint, Kind, OfferedLine, offer_text
from telehealth.sfu.transport import Transport


class Trials:
    """The trials under way: few, one for each person, and each a short one.

    Args:
        make: Returns a fresh transport.
        shut: Frees a transport that the demultiplexer knows no more.
    """

    def __init__(
        self, demultiplexer: Demultiplexer, make: Callable[[], Transport], shut: Callable[[Transport], None]
    ) -> None:
        self._demultiplexer = demultiplexer
        self._make = make
        self._shut = shut
        self._open: dict[str, Transport] = {}

    def __len__(self) -> int:
        return len(self._open)

    def open(self, person: str) -> Transport:
        """Begin a trial in place of the person's last one; Unavailable (`trials_full`) if too many others try."""
        self._close(person)
        if len(self._open) >= TRIALS:
            raise Unavailable("Too many connections are being tried just now.", code="trials_full")
        trial = self._open[person] = self._make()
        self._demultiplexer.add(trial)
        return trial

    def tick(self, now: float) -> None:
        """End those whose time is over."""
        for person, trial in list(self._open.items()):
            if now - trial.opened_at > TRIAL_S:
                self._close(person)

    def close(self) -> None:
        """End all."""
        for person in list(self._open):
            self._close(person)

    def _close(self, person: str) -> None:
        trial = self._open.pop(person, None)
        if trial is not None:
            self._demultiplexer.remove(trial)
            self._shut(trial)


def trial_text(endpoint: Endpoint) -> str:
    """Return the offer of a trial: one line that carries nothing."""
    return offer_text(endpoint, [OfferedLine("0", Kind.AUDIO, Direction.INACTIVE)], version=1)
