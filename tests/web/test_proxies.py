"""Whose word counts about where a request comes from."""

import logging
from pathlib import Path

import pytest

from telehealth.clock import SystemClock
from telehealth.errors import TooMany
from telehealth.metrics import Metrics
from telehealth.web.rate_limits import BUCKETS, OPENINGS, RateLimits, neighbourhood
from tests.doubles import FakeClock
from tests.web.house import House, open_house, settings_for

SPOOFED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
BODY = {"email": "ana@clinic.example", "password": "no"}


async def attempts(house: House, *, addresses: int) -> list[int]:
    statuses = []
    for number in range(addresses):
        headers = {"X-Forwarded-For": f"203.0.113.{number}, 127.0.0.1"}
        statuses.append((await house.ask("POST", "/api/v1/auth/login", body=BODY, headers=headers)).status)
    return statuses


async def test_nobody_chooses_their_own_address(house: House) -> None:
    assert await attempts(house, addresses=12) == [401] * 10 + [429] * 2
    response = await house.ask("GET", "/livez", headers=SPOOFED)
    assert "Strict-Transport-Security" not in response.headers


async def test_a_trusted_proxy_tells_the_address_and_the_scheme(tmp_path: Path) -> None:
    async with open_house(settings_for(tmp_path, TRUSTED_PROXIES="127.0.0.0/8")) as house:
        assert await attempts(house, addresses=12) == [401] * 12
        response = await house.ask("GET", "/livez", headers=SPOOFED)
        assert response.headers["Strict-Transport-Security"] == "max-age=31536000"


async def test_behind_a_proxy_only_the_last_address_that_is_none_of_ours_counts(tmp_path: Path) -> None:
    async with open_house(settings_for(tmp_path, TRUSTED_PROXIES="127.0.0.0/8,10.0.0.0/8")) as house:
        statuses = []
        for number in range(12):
            headers = {"X-Forwarded-For": f"198.51.100.{number}, 203.0.113.9, 10.0.0.7"}
            statuses.append((await house.ask("POST", "/api/v1/auth/login", body=BODY, headers=headers)).status)
        assert statuses == [401] * 10 + [429] * 2


async def test_with_a_public_address_only_its_pages_count(tmp_path: Path) -> None:
    async with open_house(settings_for(tmp_path, PUBLIC_URL="https://visits.example.org")) as house:
        for origin, status in ((house.origin, 403), ("https://visits.example.org", 401)):
            assert (await house.ask("POST", "/api/v1/auth/login", body=BODY, Origin=origin)).status == status


def test_a_limit_refills_with_time() -> None:
    clock = FakeClock()
    limits = RateLimits(Metrics(), clock, logins_per_minute=2)
    for _ in range(2):
        limits.login("a@b.example", "192.0.2.1")
    with pytest.raises(TooMany):
        limits.login("A@B.example", "192.0.2.1")
    limits.login("a@b.example", "192.0.2.2")
    clock.advance(30)
    limits.login("a@b.example", "192.0.2.1")


def test_what_is_remembered_is_bounded() -> None:
    limits = RateLimits(Metrics(), SystemClock(), logins_per_minute=2)
    for number in range(BUCKETS + 100):
        limits.take(OPENINGS, str(number))
    assert len(limits._buckets) == BUCKETS


def test_one_network_of_ipv6_counts_as_one() -> None:
    assert neighbourhood("2001:db8::1") == neighbourhood("2001:db8::ffff") != neighbourhood("2001:db8:0:1::1")
    assert neighbourhood("192.0.2.1") == "192.0.2.1"
    assert neighbourhood("unknown") == "unknown"


async def test_a_log_line_has_the_template_and_neither_query_nor_address(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        await house.ask("GET", "/api/v1/encounters/planted-id?secret=planted-query", Authorization="Bearer planted")
        await house.ask("GET", "/planted-path%0d%0a", User_Agent="planted-agent")
        await house.ask("POST", "/api/v1/auth/login", body={"email": "planted@x.example", "password": "planted"})
    assert "GET /api/v1/encounters/{encounter}" in caplog.text
    metrics = await (await house.ask("GET", "/metrics")).text()
    assert "planted" not in caplog.text
    assert "planted" not in metrics
    assert 'route="/api/v1/encounters/{encounter}"' in metrics
