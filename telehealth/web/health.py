"""Health: whether what this node depends on answers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from telehealth.errors import TelehealthError

CHECK_S = 3.0

Check = Callable[[], Awaitable[None]]


class Health:
    """Asks what we depend on; each check raises TelehealthError if it doesn't answer."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = dict(checks)

    async def states(self) -> dict[str, str]:
        """Return `ok` or `failing` for each."""
        return {name: await self._state(check) for name, check in self._checks.items()}

    async def _state(self, check: Check) -> str:
        try:
            async with asyncio.timeout(CHECK_S):
                await check()
        except (TelehealthError, TimeoutError):
            return "failing"
        return "ok"
