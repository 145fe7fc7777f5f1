"""Limits of rate on what can be guessed or flooded: token buckets in the memory of this node, a bounded number of them.

A library would do, but those at hand keep every key they ever saw and read the wall clock.
"""

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from telehealth.clock import Clock
from telehealth.errors import TooMany
from telehealth.metrics import Metrics
from telehealth.rtp.token_bucket import TokenBucket

BUCKETS = 10_000


@dataclass(frozen=True, slots=True)
class Limit:
    """So many at once, and as many again in each minute."""

    name: str
    per_minute: float


OPENINGS = Limit("opening", 30)
RENEWALS = Limit("renewal", 60)
TICKETS = Limit("ticket", 60)
TRIALS = Limit("trial", 20)
SOCKETS = Limit("socket", 600)
INVITATIONS = Limit("invitation", 30)
READINGS = Limit("reading", 240)
PHOTOS = Limit("photo", 20)
DOCUMENTS = Limit("document", 60)
READS = Limit("read", 240)
ENROLMENTS = Limit("enrolment", 10)
ALL_ENROLMENTS = Limit("all_enrolments", 60)
_ADDRESS_LOGINS = Limit("login_address", 120)


def neighbourhood(address: str) -> str:
    """Return what one person can hold of addresses: an IPv4 address, or a /64 of IPv6."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return address if parsed.version == 4 else str(ip_network((parsed, 64), strict=False))


class RateLimits:
    """Counts, and refuses with TooMany what is over a limit. Beyond BUCKETS, who was quiet longest is forgotten."""

    def __init__(self, metrics: Metrics, clock: Clock, *, logins_per_minute: int) -> None:
        self._metrics = metrics
        self._clock = clock
        self._logins = Limit("login", logins_per_minute)
        self._buckets: OrderedDict[tuple[str, str], TokenBucket] = OrderedDict()

    def login(self, email: str, address: str) -> None:
        """Count an attempt to log in: by account and address, so nobody can lock out somebody elsewhere."""
        near = neighbourhood(address)
        self.take(_ADDRESS_LOGINS, near)
        self.take(self._logins, f"{near} {email.casefold()[:320]}")

    def from_address(self, limit: Limit, address: str) -> None:
        """Count something that came from an address."""
        self.take(limit, neighbourhood(address))

    def take(self, limit: Limit, key: str) -> None:
        """Count one; TooMany beyond the limit."""
        now = self._clock.monotonic()
        bucket = self._buckets.pop((limit.name, key), None) or TokenBucket(limit.per_minute / 60, limit.per_minute, now)
        self._buckets[limit.name, key] = bucket
        if len(self._buckets) > BUCKETS:
            self._buckets.popitem(last=False)
        if not bucket.take(1, now):
            self._metrics.refused.labels(limit.name).inc()
            raise TooMany("Too many attempts: wait a minute.")
