"""The ring of Ed25519 keys: one signs, those that signed before still verify for a while (RFC 8037)."""

import asyncio
import base64
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from telehealth.accounts.model import SigningKey
from telehealth.accounts.ports import SigningKeys
from telehealth.clock import Clock
from telehealth.errors import TooMany, Unavailable
from telehealth.ids import NewId

FRESH_S = 5.0
UNKNOWN_KID_EVERY_S = 1.0
VERIFIES_FOR = timedelta(minutes=16)
"""After retiring: the longest life of a token, the leeway, and the time until the other nodes notice."""
MAX_KEYS = 16


@dataclass(frozen=True, slots=True)
class _Ring:
    """What was in the store at one moment."""

    signer: tuple[str, Ed25519PrivateKey] | None = None
    verifiers: dict[str, Ed25519PublicKey] = field(default_factory=dict)
    read_at: float = float("-inf")


class KeyRing:
    """The keys of all nodes, read from the store at most every FRESH_S.

    A kid that is not known makes the ring read anew, but no more often than every UNKNOWN_KID_EVERY_S: a rotation on
    another node is seen at once, and a stranger's kid costs nothing.
    """

    def __init__(self, keys: SigningKeys, clock: Clock, new_id: NewId) -> None:
        self._keys = keys
        self._clock = clock
        self._new_id = new_id
        self._ring = _Ring()
        self._reading = asyncio.Lock()

    async def ensure(self) -> str:
        """Return the kid that signs; make a first key if there is none."""
        ring = await self._read(0.0)
        if ring.signer is not None:
            return ring.signer[0]
        return await self._add()

    async def rotate(self) -> str:
        """Make a new key that signs from now on, retire the others, and return its kid.

        TooMany if MAX_KEYS verify already: rotating faster than tokens run out has no use.
        """
        if len((await self._read(0.0)).verifiers) >= MAX_KEYS:
            raise TooMany("The keys were rotated very often just now. Try again in a quarter of an hour.")
        earlier = [key for key in await self._keys.all() if key.retired_at is None]
        kid = await self._add()
        now = self._clock.now()
        for key in earlier:
            await self._keys.save(replace(key, retired_at=now))
        await self._read(0.0)
        return kid

    async def signer(self) -> tuple[str, Ed25519PrivateKey]:
        """Return the kid and the key to sign with; Unavailable if there is none."""
        ring = await self._read(FRESH_S)
        if ring.signer is None:
            raise Unavailable("The server has no key to sign with.", code="no_signing_key")
        return ring.signer

    async def verifier(self, kid: str) -> Ed25519PublicKey | None:
        """Return the public key of a kid that may still be used."""
        ring = await self._read(FRESH_S)
        if kid not in ring.verifiers:
            ring = await self._read(UNKNOWN_KID_EVERY_S)
        return ring.verifiers.get(kid)

    async def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public keys as a JWK Set (RFC 7517, RFC 8037)."""
        ring = await self._read(FRESH_S)
        return {"keys": [_jwk(kid, key) for kid, key in sorted(ring.verifiers.items())]}

    async def _add(self) -> str:
        kid, now = self._new_id(), self._clock.now()
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        await self._keys.add(SigningKey(kid=kid, private_pem=pem, created_at=now, active_from=now))
        await self._read(0.0)
        return kid

    async def _read(self, max_age_s: float) -> _Ring:
        """Return the ring, no older than this; of many who ask at once one reads."""
        asked_at = self._clock.monotonic()
        if asked_at - self._ring.read_at < max_age_s:
            return self._ring
        async with self._reading:
            if max_age_s > 0 and self._clock.monotonic() - self._ring.read_at < max_age_s:
                return self._ring
            self._ring = self._ring_of(await self._keys.all(), read_at=asked_at)
            return self._ring

    def _ring_of(self, keys: Sequence[SigningKey], *, read_at: float) -> _Ring:
        now = self._clock.now()
        usable = [key for key in keys if key.retired_at is None or now < key.retired_at + VERIFIES_FOR]
        newest_first = sorted(usable, key=lambda key: (key.active_from, key.kid), reverse=True)
        private = {key.kid: _private(key) for key in newest_first}
        signing = [key.kid for key in newest_first if key.retired_at is None and key.active_from <= now]
        return _Ring(
            signer=(signing[0], private[signing[0]]) if signing else None,
            verifiers={kid: key.public_key() for kid, key in private.items()},
            read_at=read_at,
        )


def _private(key: SigningKey) -> Ed25519PrivateKey:
    loaded = serialization.load_pem_private_key(key.private_pem, password=None)
    if not isinstance(loaded, Ed25519PrivateKey):
        raise Unavailable("A stored signing key is not an Ed25519 key.", code="bad_signing_key")
    return loaded


def _jwk(kid: str, key: Ed25519PublicKey) -> dict[str, str]:
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x}
