"""Passwords: Argon2id (RFC 9106) off the event loop, and what may become a password (NIST SP 800-63B-4)."""

import asyncio
from concurrent.futures import Executor
from functools import partial
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from telehealth.errors import Invalid, TooMany

MIN_LOGIN_CHARS = 8
MIN_NEW_CHARS = 15
MAX_CHARS = 128
MEMORY_KIB = 65_536
ROUNDS = 3
MAX_WAITING = 64

_T = TypeVar("_T")
_COMMON = frozenset(
    {
        "passwordpassword",
        "password12345678",
        "password123456789",
        "passwort12345678",
        "123456789012345",
        "1234567890123456",
        "12345678901234567890",
        "qwertyuiopasdfgh",
        "qwertyuiopasdfghjkl",
        "qwertyuiop123456",
        "qwertzuiopasdfgh",
        "1q2w3e4r5t6y7u8i",
        "1qaz2wsx3edc4rfv",
        "administrator123",
        "administratoradministrator",
        "iloveyouiloveyou",
        "letmeinletmein123",
        "welcomewelcome12",
        "changemechangeme",
        "changeme12345678",
        "correcthorsebatterystaple",
        "telehealthtelehealth",
        "telehealth123456",
        "thisismypassword",
        "thisisapassword",
        "trustno1trustno1",
        "dragondragon1234",
        "monkeymonkey1234",
        "footballfootball",
        "baseballbaseball",
        "abcdefghijklmnop",
        "abcdefghijklmnopqrstuvwxyz",
        "superman12345678",
        "sunshine12345678",
        "princessprincess",
    }
)


def require_good_password(password: str) -> None:
    """Let a new password pass or raise Invalid (`weak_password`): long, not a common one, no other rule."""
    if not MIN_NEW_CHARS <= len(password) <= MAX_CHARS:
        raise Invalid(f"A password has {MIN_NEW_CHARS} to {MAX_CHARS} characters.", code="weak_password")
    if password.casefold() in _COMMON or len(set(password)) < 5:
        raise Invalid("This password is among the first that anybody tries. Choose another.", code="weak_password")


class Argon2Hasher:
    """Argon2id in the threads of an executor. Implements accounts.ports.PasswordHasher.

    At most `max_waiting` hashes are computed or wait at a time; beyond, TooMany: a flood of logins must not pile up.
    """

    def __init__(
        self,
        executor: Executor,
        *,
        memory_kib: int = MEMORY_KIB,
        rounds: int = ROUNDS,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._executor = executor
        self._hasher = PasswordHasher(time_cost=rounds, memory_cost=memory_kib, parallelism=1)
        self._nobodys = self._hasher.hash("nobody has this password")
        self._max_waiting = max_waiting
        self._waiting = 0

    async def hash(self, password: str) -> str:
        return await self._run(partial(self._hasher.hash, password))

    async def verify(self, password_hash: str, password: str) -> bool:
        # An unknown user costs as much time as a known one.
        fits = await self._run(partial(self._fits, password_hash or self._nobodys, password))
        return fits and bool(password_hash)

    def _fits(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (Argon2Error, InvalidHashError, UnicodeEncodeError):
            return False

    async def _run(self, work: partial[_T]) -> _T:
        if self._waiting >= self._max_waiting:
            raise TooMany("Many people are logging in just now. Try again in a moment.", code="busy")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._waiting -= 1
