"""Stores of accounts that count."""

from collections.abc import Sequence

from telehealth.accounts.model import SigningKey


class CountingKeys:
    """Keys in a dictionary that count how often they are read. Implements accounts.ports.SigningKeys."""

    def __init__(self) -> None:
        self.keys: dict[str, SigningKey] = {}
        self.reads = 0

    async def add(self, key: SigningKey) -> None:
        self.keys[key.kid] = key

    async def all(self) -> Sequence[SigningKey]:
        self.reads += 1
        return list(self.keys.values())

    async def save(self, key: SigningKey) -> None:
        self.keys[key.kid] = key
