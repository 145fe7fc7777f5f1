"""The ring of keys: rotation, what other nodes see, and how often the store is read."""

import asyncio
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey

from telehealth.accounts.keys import FRESH_S, MAX_KEYS, VERIFIES_FOR, KeyRing
from telehealth.errors import TooMany, Unavailable
from tests.accounts.doubles import CountingKeys
from tests.builders import a_signing_key
from tests.doubles import FakeClock, counted_ids


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def keys() -> CountingKeys:
    return CountingKeys()


@pytest.fixture
def ring(keys: CountingKeys, clock: FakeClock) -> KeyRing:
    return KeyRing(keys, clock, counted_ids())


async def test_a_first_key_is_made_once(ring: KeyRing, keys: CountingKeys) -> None:
    assert await ring.ensure() == await ring.ensure()
    assert len(keys.keys) == 1


async def test_without_a_key_nothing_is_signed(ring: KeyRing) -> None:
    with pytest.raises(Unavailable):
        await ring.signer()


async def test_after_rotation_the_new_key_signs_and_the_old_one_verifies_for_its_time(
    ring: KeyRing, clock: FakeClock
) -> None:
    old = await ring.ensure()
    clock.advance(60)
    new = await ring.rotate()
    assert (await ring.signer())[0] == new != old
    assert await ring.verifier(old) is not None
    clock.advance(VERIFIES_FOR.total_seconds() - 1)
    assert await ring.verifier(old) is not None
    clock.advance(1 + FRESH_S)
    assert await ring.verifier(old) is None
    assert await ring.verifier(new) is not None


async def test_jwks_holds_the_public_part_of_each_key_that_verifies(ring: KeyRing, clock: FakeClock) -> None:
    old = await ring.ensure()
    new = await ring.rotate()
    found = (await ring.jwks())["keys"]
    assert {key["kid"] for key in found} == {old, new}
    assert all(key.keys() == {"kty", "crv", "use", "alg", "kid", "x"} for key in found)
    assert all((key["kty"], key["crv"], len(key["x"])) == ("OKP", "Ed25519", 43) for key in found)
    clock.advance(VERIFIES_FOR.total_seconds())
    assert [key["kid"] for key in (await ring.jwks())["keys"]] == [new]


async def test_the_rotation_of_another_node_is_seen_by_its_unknown_kid(keys: CountingKeys, clock: FakeClock) -> None:
    here, there = KeyRing(keys, clock, counted_ids()), KeyRing(keys, clock, lambda: "f" * 32)
    await here.ensure()
    clock.advance(1)
    new = await there.rotate()
    assert await here.verifier(new) is not None


async def test_unknown_kids_read_the_store_at_most_once_a_second(
    ring: KeyRing, keys: CountingKeys, clock: FakeClock
) -> None:
    await ring.ensure()
    before = keys.reads
    for _ in range(100):
        assert await ring.verifier("stranger") is None
    assert keys.reads == before
    clock.advance(1)
    for _ in range(100):
        assert await ring.verifier("stranger") is None
    assert keys.reads == before + 1


async def test_known_kids_read_the_store_every_five_seconds(
    ring: KeyRing, keys: CountingKeys, clock: FakeClock
) -> None:
    kid = await ring.ensure()
    before = keys.reads
    for _ in range(10):
        clock.advance(1)
        await ring.verifier(kid)
    assert keys.reads == before + 2


async def test_the_ring_does_not_grow_without_bound(ring: KeyRing, clock: FakeClock) -> None:
    for _ in range(MAX_KEYS):
        await ring.rotate()
    with pytest.raises(TooMany):
        await ring.rotate()
    clock.advance(VERIFIES_FOR.total_seconds())
    await ring.rotate()
    assert len((await ring.jwks())["keys"]) == 2


async def test_a_key_to_come_verifies_and_does_not_sign(ring: KeyRing, keys: CountingKeys, clock: FakeClock) -> None:
    kid = await ring.ensure()
    coming = replace(keys.keys[kid], kid="coming", active_from=clock.now() + VERIFIES_FOR)
    await keys.add(coming)
    clock.advance(FRESH_S)
    assert (await ring.signer())[0] == kid
    assert await ring.verifier("coming") is not None


async def test_a_key_of_another_kind_is_refused(ring: KeyRing, keys: CountingKeys) -> None:
    pem = Ed448PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    await keys.add(a_signing_key(private_pem=pem))
    with pytest.raises(Unavailable):
        await ring.signer()


async def test_of_many_who_ask_at_once_one_reads(ring: KeyRing, keys: CountingKeys, clock: FakeClock) -> None:
    kid = await ring.ensure()
    clock.advance(FRESH_S)
    before = keys.reads
    await asyncio.gather(*(ring.verifier(kid) for _ in range(50)))
    assert keys.reads == before + 1
