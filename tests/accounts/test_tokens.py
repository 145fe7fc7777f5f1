"""Tokens: what we sign is read back, and whatever else comes gets one and the same refusal (J1 to J11)."""

import base64
import json
import random
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from telehealth.access import Role
from telehealth.accounts.keys import KeyRing
from telehealth.accounts.model import Purpose, Ticket
from telehealth.accounts.tokens import ACCESS_LIFE, LEEWAY_S, MAX_CHARS, TICKET_LIFE, AccessClaims, Tokens
from telehealth.clock import to_ms
from telehealth.errors import Unauthenticated
from telehealth.ids import EncounterId, PatientId
from tests.accounts.doubles import CountingKeys
from tests.doubles import FakeClock, counted_ids

ISSUER = "https://clinic.example"
CLAIMS = AccessClaims("u1", Role.PRACTITIONER, None, None, epoch=3)
TICKET = Ticket("u1", Role.PATIENT, Purpose.ROOM, EncounterId("e1"), PatientId("p1"), "Ana Ruiz")


class Mint:
    """Tokens, and the key to forge them with."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.ring = KeyRing(CountingKeys(), self.clock, counted_ids())
        self.tokens = Tokens(self.ring, issuer=ISSUER, clock=self.clock, new_id=counted_ids())
        self.kid = ""
        self.key = Ed25519PrivateKey.generate()

    async def open(self) -> "Mint":
        self.kid = await self.ring.ensure()
        self.key = (await self.ring.signer())[1]
        return self

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(to_ms(self.clock.now()) / 1000)
        registered = {"iss": ISSUER, "aud": f"{ISSUER}#api", "sub": "u1", "exp": now + 900, "iat": now, "nbf": now}
        ours = {"jti": "j1", "role": "practitioner", "patient": "", "encounter": "", "epoch": 3}
        return {name: value for name, value in (registered | ours | changes).items() if value is not ...}

    def forge(self, claims: dict[str, Any] | str, **header: Any) -> str:
        body = claims if isinstance(claims, str) else json.dumps(claims)
        full = {"alg": "EdDSA", "kid": self.kid, "typ": "access+jwt"} | header
        return self.sign(json.dumps({name: value for name, value in full.items() if value is not ...}), body)

    def sign(self, header: str, body: str) -> str:
        signed = f"{encoded(header.encode())}.{encoded(body.encode())}"
        return f"{signed}.{encoded(self.key.sign(signed.encode()))}"

    async def refuses(self, text: str) -> None:
        with pytest.raises(Unauthenticated) as refused:
            await self.tokens.read_access(text)
        assert (refused.value.code, refused.value.text) == ("unauthenticated", "Please sign in.")
        assert refused.value.__cause__ is None


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture
async def mint() -> Mint:
    return await Mint().open()


async def test_an_access_token_says_what_was_signed(mint: Mint) -> None:
    text, expires_at = await mint.tokens.access(CLAIMS)
    assert await mint.tokens.read_access(text) == CLAIMS
    assert expires_at == mint.clock.now() + ACCESS_LIFE
    assert jwt.get_unverified_header(text) == {"alg": "EdDSA", "kid": mint.kid, "typ": "access+jwt"}


async def test_a_guest_is_carried_too(mint: Mint) -> None:
    guest = AccessClaims("i1", Role.PATIENT, PatientId("p1"), EncounterId("e1"), epoch=0)
    until = mint.clock.now() + TICKET_LIFE
    text, expires_at = await mint.tokens.access(guest, until=until)
    assert await mint.tokens.read_access(text) == guest
    assert expires_at == until


async def test_a_ticket_says_what_was_signed_for_its_purpose(mint: Mint) -> None:
    text, expires_at = await mint.tokens.ticket(TICKET, epoch=7)
    assert await mint.tokens.read_ticket(text, Purpose.ROOM) == (TICKET, 7)
    assert expires_at == mint.clock.now() + TICKET_LIFE


async def test_the_forge_of_these_tests_can_make_a_good_token(mint: Mint) -> None:
    assert await mint.tokens.read_access(mint.forge(mint.claims())) == CLAIMS


async def test_a_ticket_opens_nothing_else(mint: Mint) -> None:
    text, _ = await mint.tokens.ticket(TICKET, epoch=7)
    for purpose in (Purpose.VITALS, Purpose.WORKLIST):
        with pytest.raises(Unauthenticated):
            await mint.tokens.read_ticket(text, purpose)
    await mint.refuses(text)


async def test_an_access_token_is_no_ticket(mint: Mint) -> None:
    text, _ = await mint.tokens.access(CLAIMS)
    with pytest.raises(Unauthenticated):
        await mint.tokens.read_ticket(text, Purpose.ROOM)


async def test_a_token_ends_after_its_life_and_the_leeway(mint: Mint) -> None:
    text, _ = await mint.tokens.access(CLAIMS)
    mint.clock.advance(ACCESS_LIFE.total_seconds() + LEEWAY_S - 1)
    assert await mint.tokens.read_access(text)
    mint.clock.advance(1)
    await mint.refuses(text)


async def test_a_token_of_a_node_whose_clock_is_a_little_ahead_is_taken(mint: Mint) -> None:
    now = mint.claims()["iat"]
    await mint.tokens.read_access(mint.forge(mint.claims(iat=now + 30, nbf=now + 30, exp=now + 930)))
    await mint.refuses(mint.forge(mint.claims(iat=now + 31, exp=now + 931)))
    await mint.refuses(mint.forge(mint.claims(nbf=now + 31)))


@pytest.mark.parametrize("missing", ["iss", "aud", "sub", "exp", "iat", "nbf", "jti", "role", "patient", "epoch"])
async def test_each_claim_is_required(mint: Mint, missing: str) -> None:
    await mint.refuses(mint.forge(mint.claims(**{missing: ...})))


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": "https://clinic.example#room"},
        {"aud": ["https://clinic.example#api"]},
        {"aud": "https://clinic.example"},
        {"sub": 7},
        {"sub": ""},
        {"exp": "9999999999"},
        {"exp": 1e300},
        {"exp": True},
        {"exp": 99999999999},
        {"exp": None},
        {"exp": -1},
        {"iat": 1.5},
        {"role": "root"},
        {"epoch": "3"},
        {"extra": 1},
        {"scope": "admin"},
    ],
)
async def test_wrong_claims_are_refused(mint: Mint, wrong: dict[str, Any]) -> None:
    await mint.refuses(mint.forge(mint.claims(**wrong)))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "Ed25519"},
        {"alg": None},
        {"alg": ...},
        {"typ": "JWT"},
        {"typ": "ticket+jwt"},
        {"typ": "ACCESS+JWT"},
        {"typ": ...},
        {"kid": "../../etc/passwd"},
        {"kid": "' OR 1=1 --"},
        {"kid": "k" * 2000},
        {"kid": 1},
        {"kid": ...},
        {"crit": ["exp"]},
        {"b64": False},
        {"jku": "https://elsewhere.example/jwks"},
        {"jwk": {}},
        {"zip": "DEF"},
    ],
)
async def test_wrong_headers_are_refused(mint: Mint, header: dict[str, Any]) -> None:
    await mint.refuses(mint.forge(mint.claims(), **header))


async def test_the_public_key_is_no_secret_to_sign_with(mint: Mint) -> None:
    public = mint.key.public_key()
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    header = {"kid": mint.kid, "typ": "access+jwt"}
    await mint.refuses(jwt.encode(mint.claims(), raw, algorithm="HS256", headers=header))
    await mint.refuses(jwt.encode(mint.claims(), "", algorithm="none", headers=header))


async def test_another_key_under_our_kid_is_refused(mint: Mint) -> None:
    mint.key = Ed25519PrivateKey.generate()
    await mint.refuses(mint.forge(mint.claims()))


async def test_a_changed_byte_anywhere_is_refused(mint: Mint) -> None:
    text = mint.forge(mint.claims())
    for place in range(0, len(text), 7):
        other = "A" if text[place] != "A" else "B"
        await mint.refuses(text[:place] + other + text[place + 1 :])


async def test_members_that_stand_twice_are_refused(mint: Mint) -> None:
    body = json.dumps(mint.claims())
    await mint.refuses(mint.forge(body[:-1] + ',"sub":"u2"}'))
    header = f'{{"alg":"EdDSA","kid":"{mint.kid}","kid":"{mint.kid}","typ":"access+jwt"}}'
    await mint.refuses(mint.sign(header, body))


@pytest.mark.parametrize(
    "body",
    ["", "[]", "null", "7", '"x"', "{", "[" * 2500, '{"exp":NaN}', '{"exp":1e400}', "\x00", '{"sub":"\\ud800"}'],
)
async def test_a_payload_that_is_no_object_of_ours_is_refused(mint: Mint, body: str) -> None:
    await mint.refuses(mint.forge(body))


@pytest.mark.parametrize("text", ["", ".", "..", "...", "a.b.c", "é.é.é", "\ud800", "e30.e30.", "x" * 5000])
async def test_what_is_no_token_is_refused(mint: Mint, text: str) -> None:
    await mint.refuses(text)


async def test_a_good_token_that_is_too_long_is_refused(mint: Mint) -> None:
    body = json.dumps(mint.claims())
    spaces = " " * (MAX_CHARS * 3 // 4)
    await mint.refuses(mint.forge(body + spaces))
    assert await mint.tokens.read_access(mint.forge(body + " " * 100)) == CLAIMS


def made_up(chance: random.Random, kid: str) -> str:
    """Return what may look like a part of a token."""
    match chance.randrange(5):
        case 0:
            return "".join(chr(chance.randrange(1, 0x3000)) for _ in range(chance.randrange(40)))
        case 1:
            return encoded(chance.randbytes(chance.randrange(60)))
        case 2:
            return chance.choice([encoded(b'{"alg":"EdDSA"}'), encoded(b"{}"), "e30", kid, ""])
        case 3:
            value: object = chance.choice([None, 1, -0.5, "", [], [[None]], {}, "x" * 50, kid, True])
            return encoded(json.dumps({"alg": "EdDSA", "kid": value, "typ": "access+jwt"}).encode())
        case _:
            return encoded(json.dumps(dict.fromkeys(["exp", "sub", "iss"], chance.choice([None, 0, "a", []]))).encode())


async def test_nothing_that_is_made_up_passes_or_breaks(mint: Mint) -> None:
    chance = random.Random(17)
    for _ in range(10_000):
        await mint.refuses(".".join(made_up(chance, mint.kid) for _ in range(chance.randrange(1, 5))))
