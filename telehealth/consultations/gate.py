"""What one connection may say: no more than its share, and in a form that is understood."""

from telehealth.consultations.effects import CloseCode
from telehealth.consultations.messages import ClientMessage, Refusal, parse_client
from telehealth.errors import Invalid
from telehealth.rtp.token_bucket import TokenBucket

BURST = 40
RATE_PER_S = 10.0
BAD_MESSAGES = 3
"""So many messages that are not understood end the connection."""


class Gate:
    """Judges the messages of one connection as they come."""

    def __init__(self, now: float) -> None:
        self._bucket = TokenBucket(RATE_PER_S, BURST, now)
        self._bad = 0

    def judge(self, text: str, now: float) -> ClientMessage | Refusal | CloseCode:
        """Return the message, the answer to one that is not understood, or the code to close with.

        Args:
            text: What came.
            now: Monotonic seconds.
        """
        if not self._bucket.take(1, now):
            return CloseCode.TOO_MANY
        try:
            return parse_client(text)
        except Invalid as error:
            self._bad += 1
            if self._bad >= BAD_MESSAGES:
                return CloseCode.BAD_MESSAGES
            return Refusal(code=error.code, text=error.text)
