"""Tokens at the door: whatever is wrong with one, the answer is 401 and the same."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from telehealth.access import Role
from telehealth.accounts.model import Purpose, SigningKey
from tests.web.house import Caller, House


class Forge:
    """Makes tokens with the server's own key, or with another."""

    def __init__(self, house: House, key: SigningKey, good: str) -> None:
        self.house = house
        self.pem = key.private_pem
        self.kid = key.kid
        self.good = good
        self.header = jwt.get_unverified_header(good)
        self.claims: dict[str, Any] = jwt.decode(good, options={"verify_signature": False})

    def token(self, claims: dict[str, Any] | None = None, *, key: Any = None, **header: Any) -> str:
        headers = {**self.header, **header}
        algorithm = headers.pop("alg")
        return jwt.encode({**self.claims, **(claims or {})}, key or self.pem, algorithm=algorithm, headers=headers)

    def without(self, claim: str) -> str:
        rest = {name: value for name, value in self.claims.items() if name != claim}
        return jwt.encode(rest, self.pem, algorithm="EdDSA", headers=self.header)

    def raw(self, header: str, payload: str) -> str:
        """Sign any text with the right key."""
        signed = f"{b64(header.encode())}.{b64(payload.encode())}"
        key = jwt.get_algorithm_by_name("EdDSA").prepare_key(self.pem)
        return f"{signed}.{b64(key.sign(signed.encode()))}"

    def hmac_signed(self, secret: bytes) -> str:
        header = json.dumps({**self.header, "alg": "HS256"})
        signed = f"{b64(header.encode())}.{b64(json.dumps(self.claims).encode())}"
        return f"{signed}.{b64(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.fixture
async def forge(house: House) -> Forge:
    who = await house.person("Lena Brandt", Role.PARAMEDIC)
    assert who.token is not None
    keys = await house.services.accounts._ports.keys.all()
    return Forge(house, keys[0], who.token)


async def answer(house: House, token: str) -> tuple[int, bytes]:
    response = await house.ask("GET", "/api/v1/me", Caller("", None, token))
    return response.status, await response.read()


def public_pem(forge: Forge) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    key = load_pem_private_key(forge.pem, None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def now(forge: Forge) -> int:
    return int(forge.house.clock.now().timestamp())


FORGERIES: dict[str, Callable[[Forge], str]] = {
    "J1 none": lambda f: f"{b64(json.dumps({**f.header, 'alg': 'none'}).encode())}.{f.good.split('.')[1]}.",
    "J1 None": lambda f: f"{b64(json.dumps({**f.header, 'alg': 'None'}).encode())}.{f.good.split('.')[1]}.",
    "J2 the public key as a secret": lambda f: f.hmac_signed(public_pem(f)),
    "J2 the kid as a secret": lambda f: f.hmac_signed(f.kid.encode()),
    "J3 another key": lambda f: f.token(key=Ed25519PrivateKey.generate()),
    "J3 another algorithm": lambda f: f.token(key=generate_private_key(65537, 2048), alg="RS256"),
    "J4 no exp": lambda f: f.without("exp"),
    "J4 expired": lambda f: f.token({"exp": now(f) - 31}),
    "J4 exp as text": lambda f: f.raw(json.dumps(f.header), json.dumps({**f.claims, "exp": "4102444800"})),
    "J4 exp as fraction": lambda f: f.token({"exp": now(f) + 60.5}),
    "J4 exp beyond all": lambda f: f.raw(
        json.dumps(f.header), json.dumps(f.claims).replace(str(f.claims["exp"]), "1e400")
    ),
    "J5 not yet": lambda f: f.token({"nbf": now(f) + 31}),
    "J5 issued in the future": lambda f: f.token({"iat": now(f) + 31}),
    "J6 another audience": lambda f: f.token({"aud": "other"}),
    "J6 a list of audiences": lambda f: f.token({"aud": [f.claims["aud"], "other"]}),
    "J6 another issuer": lambda f: f.token({"iss": "https://evil.example"}),
    "J7 another type": lambda f: f.token(typ="ticket+jwt"),
    "J7 no type": lambda f: f.token(typ="JWT"),
    "J8 a claim twice": lambda f: f.raw(json.dumps(f.header), json.dumps(f.claims)[:-1] + ', "role": "admin"}'),
    "J9 a path as kid": lambda f: f.token(kid="../../etc/passwd"),
    "J9 SQL as kid": lambda f: f.token(kid="' OR 1=1 --"),
    "J9 no kid": lambda f: f.raw(json.dumps({"alg": "EdDSA", "typ": "access+jwt"}), json.dumps(f.claims)),
    "J9 a number as kid": lambda f: f.raw(json.dumps({**f.header, "kid": 1}), json.dumps(f.claims)),
    "J10 crit": lambda f: f.raw(json.dumps({**f.header, "crit": ["b64"], "b64": False}), json.dumps(f.claims)),
    "J10 a key in the header": lambda f: f.raw(json.dumps({**f.header, "jwk": {"kty": "OKP"}}), json.dumps(f.claims)),
    "another role": lambda f: f.token({"role": "emperor"}),
    "another epoch": lambda f: f.token({"epoch": 7}),
    "an unknown subject": lambda f: f.token({"sub": "0" * 32}),
    "an encounter that is not theirs": lambda f: f.token({"encounter": "0" * 32}),
    "no token at all": lambda f: "",
    "a word": lambda f: "abc",
    "dots": lambda f: "..",
    "no JSON": lambda f: f.raw("{", "{"),
    "deep JSON": lambda f: f.raw(json.dumps(f.header), "[" * 900),
    "cut": lambda f: f.good[:-2],
}


async def test_the_good_token_is_good(house: House, forge: Forge) -> None:
    assert (await answer(house, forge.good))[0] == 200
    assert (await answer(house, forge.token()))[0] == 200


@pytest.mark.parametrize("make", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_forged_token_is_refused_like_any_other(
    house: House, forge: Forge, make: Callable[[Forge], str]
) -> None:
    anonymous = await house.ask("GET", "/api/v1/me")
    assert await answer(house, make(forge)) == (401, await anonymous.read())


async def test_j7_neither_a_ticket_nor_a_device_opens_the_api(house: House) -> None:
    doctor = await house.person("Ifeoma Okafor", Role.PRACTITIONER)
    admin = await house.person("Noor Haddad", Role.ADMIN)
    _, credential = await house.device(admin)
    for token in (await house.ticket(doctor, Purpose.WORKLIST), credential):
        assert (await answer(house, token))[0] == 401


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "bearer  x", "Bearer " + "x" * 5_000, "Token x"])
async def test_another_kind_of_authorization_is_refused(house: House, header: str) -> None:
    assert (await house.ask("GET", "/api/v1/me", Authorization=header)).status == 401


async def test_a_token_ends_after_fifteen_minutes(house: House, forge: Forge) -> None:
    house.clock.advance(15 * 60 + 31)
    assert (await answer(house, forge.good))[0] == 401


async def test_a_disabled_user_has_no_rights_within_five_seconds(house: House) -> None:
    admin = await house.person("Noor Haddad", Role.ADMIN)
    doctor = await house.person("Ifeoma Okafor", Role.PRACTITIONER)
    assert doctor.principal is not None
    assert (await house.ask("GET", "/api/v1/me", doctor)).status == 200
    disabled = await house.ask("POST", f"/api/v1/users/{doctor.principal.subject}/disable", admin)
    assert disabled.status == 204
    assert (await house.ask("GET", "/api/v1/me", doctor)).status == 401


async def test_the_key_set_verifies_our_tokens(house: House, forge: Forge) -> None:
    keys = await (await house.ask("GET", "/.well-known/jwks.json")).json()
    key = next(key for key in keys["keys"] if key["kid"] == forge.kid)
    assert (key["kty"], key["crv"]) == ("OKP", "Ed25519")
    assert "d" not in key
    options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    jwt.decode(forge.good, jwt.PyJWK(key), algorithms=["EdDSA"], audience=forge.claims["aud"], options=options)  # type: ignore[arg-type]


async def test_a_rotated_key_signs_and_the_old_one_still_verifies(house: House, forge: Forge) -> None:
    admin = await house.person("Noor Haddad", Role.ADMIN)
    kid = (await (await house.ask("POST", "/api/v1/keys/rotate", admin)).json())["kid"]
    assert kid != forge.kid
    assert (await answer(house, forge.good))[0] == 200
    newer = await house.signed_in(house.users["Noor Haddad"])
    assert jwt.get_unverified_header(newer.token or "")["kid"] == kid


async def test_refusing_takes_no_longer_for_a_long_token(house: House, forge: Forge) -> None:
    began = time.perf_counter()
    for _ in range(20):
        await answer(house, forge.token(kid="x" * 3_000))
    assert time.perf_counter() - began < 2.0
