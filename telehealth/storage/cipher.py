"""Encryption of single columns: AES-256-GCM, bound to the row, with the key's id in the header (NIST SP 800-38D).

A sealed value is: version (1 byte) | length of the key id (1) | key id | nonce (12) | ciphertext and tag. Its
associated data are `table|column|row id`, so a value that is moved elsewhere no longer opens.

No configured key encrypts anything itself: each scope (a column, or the frames of one encounter) has a key derived by
HKDF (RFC 5869). Random nonces are safe for 2^32 values per key, and the frames of a clinic would get there in weeks.
"""

import functools
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from telehealth.errors import Invalid, TelehealthError

_VERSION = 1
_KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_DERIVED_KEYS = 1024
_KEY_IDS = 16


class Undecipherable(TelehealthError):
    """A stored value does not open: moved, damaged, or sealed with a key that is not configured."""

    status = 500
    code = "undecipherable"


def _derive(key: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=f"telehealth|{purpose}".encode()).derive(key)


class FieldCipher:
    """Seals and opens values of columns.

    Args:
        keys: Key id (1 to 32 ASCII characters) → key of 32 bytes; at most 16. Values sealed with any of them open.
        current: Id of the key that seals from now on.
    """

    def __init__(self, keys: Mapping[str, bytes], current: str) -> None:
        if current not in keys:
            raise Invalid("The current encryption key is not among the keys.", code="bad_key")
        if len(keys) > _KEY_IDS:
            raise Invalid(f"There are more than {_KEY_IDS} encryption keys.", code="bad_key")
        for key_id, key in keys.items():
            if not (1 <= len(key_id) <= 32 and key_id.isascii()) or len(key) != _KEY_BYTES:
                raise Invalid("An encryption key needs an id of 1 to 32 ASCII characters and 32 bytes.", code="bad_key")
        self._keys = dict(keys)
        self._current = current
        self._header = bytes([_VERSION, len(current)]) + current.encode()
        self._index_keys = {key_id: _derive(key, "blind index") for key_id, key in keys.items()}
        self._aead = functools.lru_cache(maxsize=_DERIVED_KEYS)(self._derive_aead)

    def column(self, table: str, column: str) -> "ColumnCipher":
        """Return what seals and opens the values of one column."""
        return ColumnCipher(self, f"{table}|{column}")

    def seal(self, value: bytes, *, scope: str, place: str) -> bytes:
        """Return the value sealed with the current key for this scope and place."""
        nonce = os.urandom(_NONCE_BYTES)
        return self._header + nonce + self._aead(self._current, scope).encrypt(nonce, value, place.encode())

    def open(self, sealed: bytes, *, scope: str, place: str) -> bytes:
        """Return the value; Undecipherable if it was sealed for another place or by an unknown key, or is damaged."""
        if len(sealed) < 2 or sealed[0] != _VERSION:
            raise Undecipherable("A stored value has an unknown form.")
        start = 2 + sealed[1]
        key_id = sealed[2:start].decode("ascii", "replace")
        if key_id not in self._keys or len(sealed) < start + _NONCE_BYTES + _TAG_BYTES:
            raise Undecipherable("A stored value was sealed with a key that is not configured, or is cut short.")
        nonce, rest = sealed[start : start + _NONCE_BYTES], sealed[start + _NONCE_BYTES :]
        try:
            return self._aead(key_id, scope).decrypt(nonce, rest, place.encode())
        except InvalidTag as failure:
            raise Undecipherable("A stored value does not belong where it stands, or is damaged.") from failure

    def blind_index(self, text: str) -> bytes:
        """Return what finds an equal text without telling it: HMAC-SHA-256 with the current key."""
        return self._index(self._current, text)

    def blind_indexes(self, text: str) -> list[bytes]:
        """Return the blind index under each key, for look-ups while keys are being replaced."""
        return [self._index(key_id, text) for key_id in self._keys]

    def _index(self, key_id: str, text: str) -> bytes:
        return hmac.digest(self._index_keys[key_id], text.encode(), "sha256")

    def _derive_aead(self, key_id: str, scope: str) -> AESGCM:
        return AESGCM(_derive(self._keys[key_id], f"field|{scope}"))


@dataclass(frozen=True, slots=True)
class ColumnCipher:
    """Seals and opens the values of one column; `row` is the row's identity."""

    cipher: FieldCipher
    name: str

    def seal(self, row: str, text: str) -> bytes:
        return self.cipher.seal(text.encode(), scope=self.name, place=f"{self.name}|{row}")

    def open(self, row: str, sealed: bytes) -> str:
        return self.cipher.open(sealed, scope=self.name, place=f"{self.name}|{row}").decode()

    def seal_bytes(self, row: str, value: bytes, *, group: str = "") -> bytes:
        """Seal with a key of the group's own; the same group opens it."""
        return self.cipher.seal(value, scope=f"{self.name}|{group}", place=f"{self.name}|{row}")

    def open_bytes(self, row: str, sealed: bytes, *, group: str = "") -> bytes:
        return self.cipher.open(sealed, scope=f"{self.name}|{group}", place=f"{self.name}|{row}")
