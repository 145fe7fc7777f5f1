"""Opaque secrets: long enough that guessing is hopeless, stored only as SHA-256."""

import hashlib
import secrets

LINK_BYTES = 20
"""160 bits: what stands in the fragment of a link."""
TOKEN_BYTES = 32
"""256 bits: what programs and devices keep."""
MAX_SECRET_CHARS = 128


def new_secret(size: int) -> str:
    """Return `size` random bytes in the URL-safe alphabet."""
    return secrets.token_urlsafe(size)


def digest(secret: str) -> bytes:
    """Return what is stored of a secret, 32 bytes; a slow hash is needless for so many random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def presentable(secret: str) -> bool:
    """Say whether it can be one of ours at all, before anything is computed from it."""
    return 0 < len(secret) <= MAX_SECRET_CHARS
