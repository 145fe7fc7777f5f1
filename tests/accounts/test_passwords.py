"""Passwords: what is accepted, and how they are hashed."""

import asyncio
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from telehealth.accounts.passwords import Argon2Hasher, require_good_password
from telehealth.errors import Invalid, TooMany


@pytest.fixture
def executor() -> Generator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture
def hasher(executor: ThreadPoolExecutor) -> Argon2Hasher:
    return Argon2Hasher(executor, memory_kib=8, rounds=1, max_waiting=4)


@pytest.mark.parametrize("good", ["fifteen letters", "a" * 10 + "bcdef", "пароль-из-букв-и-слов", "x1y2z" * 25 + "abc"])
def test_a_long_password_is_good_whatever_it_is_made_of(good: str) -> None:
    require_good_password(good)


@pytest.mark.parametrize(
    "weak",
    ["", "fourteen chars", "a" * 129, "passwordpassword", "PasswordPassword", "aaaaaaaaaaaaaaaa", "abababababababab"],
)
def test_short_endless_and_common_passwords_are_refused(weak: str) -> None:
    with pytest.raises(Invalid) as refused:
        require_good_password(weak)
    assert refused.value.code == "weak_password"


async def test_a_hash_is_argon2id_and_fits_its_password_only(hasher: Argon2Hasher) -> None:
    hashed = await hasher.hash("fifteen letters")
    assert hashed.startswith("$argon2id$")
    assert await hasher.verify(hashed, "fifteen letters")
    assert not await hasher.verify(hashed, "fifteen letterz")


async def test_an_empty_or_broken_hash_fits_nothing(hasher: Argon2Hasher) -> None:
    assert not await hasher.verify("", "nobody has this password")
    assert not await hasher.verify("$argon2id$broken", "fifteen letters")
    assert not await hasher.verify("", "\ud800")


async def test_the_default_costs_what_rfc_9106_recommends_for_little_memory(executor: ThreadPoolExecutor) -> None:
    assert (await Argon2Hasher(executor).hash("x")).startswith("$argon2id$v=19$m=65536,t=3,p=1$")


async def test_a_flood_of_logins_does_not_pile_up() -> None:
    with ThreadPoolExecutor(1) as executor:
        hasher = Argon2Hasher(executor, memory_kib=8, rounds=1, max_waiting=4)
        gate = threading.Event()
        executor.submit(gate.wait)
        async with asyncio.TaskGroup() as tasks:
            waiting = [tasks.create_task(hasher.hash("x")) for _ in range(4)]
            await asyncio.sleep(0)
            with pytest.raises(TooMany):
                await hasher.hash("one too many")
            gate.set()
        assert all(task.result() for task in waiting)
        assert await hasher.hash("there is room again")
