"""JSON Web Tokens of this server: EdDSA only, an explicit type per kind (RFC 7519, RFC 8037, RFC 8725).

Every refusal is the same Unauthenticated, so that nobody learns from it what was wrong.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

import jwt

from telehealth.access import Role
from telehealth.accounts.keys import KeyRing
from telehealth.accounts.model import Purpose, Ticket, TokenKind
from telehealth.clock import Clock
from telehealth.errors import Unauthenticated
from telehealth.ids import EncounterId, NewId, PatientId

ALGORITHM = "EdDSA"
MAX_CHARS = 4096
MAX_KID_CHARS = 64
LEEWAY_S = 30
ACCESS_LIFE = timedelta(minutes=15)
TICKET_LIFE = timedelta(seconds=60)
API = "api"

_HEADER = {"alg": str, "kid": str, "typ": str}
_REGISTERED: dict[str, type] = {"iss": str, "aud": str, "sub": str, "exp": int, "iat": int, "nbf": int, "jti": str}
_OURS: dict[str, type] = {"role": str, "patient": str, "encounter": str, "epoch": int}
_CLAIMS = {
    TokenKind.ACCESS: _REGISTERED | _OURS,
    TokenKind.TICKET: _REGISTERED | _OURS | {"name": str},
}
_LIFE = {TokenKind.ACCESS: ACCESS_LIFE, TokenKind.TICKET: TICKET_LIFE}


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says about its bearer.

    Attributes:
        epoch: The user's epoch when it was issued; 0 for an invitation.
    """

    subject: str
    role: Role
    patient: PatientId | None
    encounter: EncounterId | None
    epoch: int


class Tokens:
    """Signs and verifies the two kinds of tokens."""

    def __init__(self, ring: KeyRing, *, issuer: str, clock: Clock, new_id: NewId) -> None:
        self._ring = ring
        self._issuer = issuer
        self._clock = clock
        self._new_id = new_id
        self._jws = jwt.PyJWS(algorithms=[ALGORITHM])

    async def access(self, claims: AccessClaims, *, until: datetime | None = None) -> tuple[str, datetime]:
        """Return a signed access token and when it ends: in 15 minutes, or at `until` if that is sooner."""
        payload = {
            "sub": claims.subject,
            "role": claims.role.value,
            "patient": claims.patient or "",
            "encounter": claims.encounter or "",
            "epoch": claims.epoch,
        }
        return await self._sign(TokenKind.ACCESS, API, payload, until=until)

    async def ticket(self, ticket: Ticket, *, epoch: int) -> tuple[str, datetime]:
        """Return a signed ticket and when it ends."""
        payload = {
            "sub": ticket.subject,
            "role": ticket.role.value,
            "patient": ticket.patient or "",
            "encounter": ticket.encounter_id,
            "epoch": epoch,
            "name": ticket.name,
        }
        return await self._sign(TokenKind.TICKET, ticket.purpose.value, payload)

    async def read_access(self, text: str) -> AccessClaims:
        """Return what the token says, if it is one of ours and in force; else Unauthenticated."""
        claims = await self._verified(text, TokenKind.ACCESS, API)
        return AccessClaims(
            subject=claims["sub"],
            role=_role(claims["role"]),
            patient=PatientId(claims["patient"]) if claims["patient"] else None,
            encounter=EncounterId(claims["encounter"]) if claims["encounter"] else None,
            epoch=claims["epoch"],
        )

    async def read_ticket(self, text: str, purpose: Purpose) -> tuple[Ticket, int]:
        """Return the ticket and the epoch it was issued in; Unauthenticated also if it is for another purpose."""
        claims = await self._verified(text, TokenKind.TICKET, purpose.value)
        ticket = Ticket(
            subject=claims["sub"],
            role=_role(claims["role"]),
            purpose=purpose,
            encounter_id=EncounterId(claims["encounter"]),
            patient=PatientId(claims["patient"]) if claims["patient"] else None,
            name=claims["name"],
        )
        return ticket, claims["epoch"]

    async def _sign(
        self, kind: TokenKind, audience: str, payload: dict[str, Any], *, until: datetime | None = None
    ) -> tuple[str, datetime]:
        kid, key = await self._ring.signer()
        now = self._clock.now().replace(microsecond=0)
        expires_at = min(now + _LIFE[kind], (until or now + _LIFE[kind]).replace(microsecond=0))
        registered = {
            "iss": self._issuer,
            "aud": self._audience(audience),
            "exp": int(expires_at.timestamp()),
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "jti": self._new_id(),
        }
        text = self._jws.encode(
            json.dumps(registered | payload, separators=(",", ":")).encode(),
            key,
            algorithm=ALGORITHM,
            headers={"kid": kid, "typ": kind.value},
        )
        return text, expires_at

    async def _verified(self, text: str, kind: TokenKind, audience: str) -> dict[str, Any]:
        if len(text) > MAX_CHARS or not text.isascii():
            _refuse()
        header = _object(_decoded(text.partition(".")[0]), _HEADER)
        if header["alg"] != ALGORITHM or header["typ"] != kind.value or len(header["kid"]) > MAX_KID_CHARS:
            _refuse()
        key = await self._ring.verifier(header["kid"])
        if key is None:
            _refuse()
        try:
            payload = self._jws.decode(text, key, algorithms=[ALGORITHM])
        except jwt.InvalidTokenError:
            _refuse()
        claims = _object(payload, _CLAIMS[kind])
        if claims["iss"] != self._issuer or claims["aud"] != self._audience(audience) or not claims["sub"]:
            _refuse()
        self._require_in_force(claims, kind)
        return claims

    def _require_in_force(self, claims: dict[str, Any], kind: TokenKind) -> None:
        now = self._clock.now().timestamp()
        begins, ends = max(claims["iat"], claims["nbf"]), claims["exp"]
        if now >= ends + LEEWAY_S or now < begins - LEEWAY_S:
            _refuse()
        if ends - claims["iat"] > _LIFE[kind].total_seconds():
            _refuse()

    def _audience(self, what: str) -> str:
        return f"{self._issuer}#{what}"


def _refuse() -> NoReturn:
    raise Unauthenticated("Please sign in.") from None


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        _refuse()


def _decoded(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except ValueError:
        _refuse()


def _object(text: bytes, types: Mapping[str, type]) -> dict[str, Any]:
    """Return the JSON object if it has exactly these members, each once and of its type."""
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        _refuse()
    if not isinstance(found, dict) or found.keys() != types.keys():
        _refuse()
    # `type`, not `isinstance`: true is no number.
    if any(type(found[name]) is not wanted for name, wanted in types.items()):
        _refuse()
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
