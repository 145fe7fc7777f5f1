"""Pages: who sees which, where one is sent, and what their scripts are given."""

import json
import re
from typing import Any

import pytest

from telehealth.access import Role
from telehealth.accounts.model import NewUser
from telehealth.errors import Unavailable
from telehealth.vitals.codes import as_page_data
from telehealth.web.error_page import safe_next
from tests.web.house import MISSING, Caller, House

HTML = "text/html,application/xhtml+xml"
HOMES = {
    Role.PATIENT: "/home",
    Role.PRACTITIONER: "/worklist",
    Role.PARAMEDIC: "/ambulance",
    Role.ADMIN: "/admin",
}
PUBLIC = ["/", "/login", "/renew", "/join", "/demo", "/about", "/docs"]


async def seen(house: House, path: str, who: Caller | None = None, **headers: str) -> tuple[int, str, str]:
    """Ask as a browser does, with the cookie; return the status, where it leads, and the page."""
    if who is not None:
        headers["Cookie"] = f"__Host-access={who.token}"
    response = await house.ask("GET", path, headers=headers, Accept=HTML)
    return response.status, response.headers.get("Location", ""), await response.text()


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="page">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return dict(json.loads(found[1]))


@pytest.mark.parametrize("path", PUBLIC)
async def test_a_public_page_is_there_for_anybody(house: House, path: str) -> None:
    status, _, page = await seen(house, path)
    assert status == 200
    data = data_of(page)
    assert (data["user"], data["demo"], data["build"]) == (None, True, house.services.assets.build)


@pytest.mark.parametrize("role", HOMES)
async def test_everybody_has_a_place_and_sees_it(house: House, role: Role) -> None:
    who = await house.person("Noor Haddad", role)
    assert (await seen(house, "/", who))[:2] == (303, HOMES[role])
    status, _, page = await seen(house, HOMES[role], who)
    assert status == 200
    assert data_of(page)["user"] == {
        "subject": who.principal.subject if who.principal else "",
        "role": role.value,
        "name": "Noor Haddad",
        "time_zone": "Europe/Berlin",
    }
    assert (await seen(house, "/login", who))[:2] == (303, HOMES[role])


async def test_the_place_of_somebody_else_is_a_page_that_says_so(house: House) -> None:
    patient = await house.person("Ana Ruiz", Role.PATIENT)
    status, _, page = await seen(house, "/admin", patient)
    assert status == 403
    assert data_of(page)["status"] == 403
    assert (await seen(house, f"/rooms/{MISSING}", patient))[0] == 404


async def test_nobody_is_sent_to_sign_in_and_comes_back(house: House) -> None:
    assert (await seen(house, "/worklist"))[:2] == (303, "/login?next=%2Fworklist")
    path = f"/rooms/{MISSING}"
    assert (await seen(house, path))[:2] == (303, f"/login?next=%2Frooms%2F{MISSING}")


async def test_whose_cookie_has_run_out_is_sent_to_renew_it(house: House) -> None:
    status, location, _ = await seen(house, "/worklist", Cookie="__Host-access=old; __Host-refresh=x")
    assert (status, location) == (303, "/renew?next=%2Fworklist")
    assert data_of((await seen(house, "/renew?next=%2Fworklist"))[2])["next"] == "/worklist"


EVIL = ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil", "javascript:x", "", "/a\nb", "/\t/x"]


@pytest.mark.parametrize("evil", EVIL)
def test_the_way_back_never_leads_away(evil: str) -> None:
    assert safe_next(evil) == "/"


async def test_a_guest_has_one_room_and_nothing_else(house: House) -> None:
    doctor = await house.person("Ifeoma Okafor", Role.PRACTITIONER)
    visit = await house.visit(await house.person("Ana Ruiz", Role.PATIENT), doctor)
    guest = await house.guest(doctor, visit.id)
    for path in ("/", "/home", "/book"):
        assert (await seen(house, path, guest))[:2] == (303, f"/rooms/{visit.id}")
    assert (await seen(house, f"/rooms/{visit.id}", guest))[0] == 200


async def test_a_room_gives_its_script_what_it_needs(house: House) -> None:
    doctor = await house.person("Ifeoma Okafor", Role.PRACTITIONER)
    visit = await house.visit(await house.person("Ana Ruiz", Role.PATIENT), doctor)
    data = data_of((await seen(house, f"/rooms/{visit.id}", doctor))[2])
    assert data["encounter"] == {"id": visit.id, "kind": "on_demand", "patient": "Ana Ruiz"}
    assert (data["role"], data["name"]) == ("practitioner", "Ifeoma Okafor")
    assert data["vitals"] == json.loads(json.dumps(as_page_data()))


async def test_a_room_says_whom_one_meets_there(house: House) -> None:
    patient, doctor = await house.person("Ana Ruiz", Role.PATIENT), await house.person("Ifeoma", Role.PRACTITIONER)
    visit = await house.visit(patient, doctor)
    guest = await house.guest(doctor, visit.id)
    theirs = "Your visit with Ifeoma"
    for who, words in ((patient, theirs), (guest, theirs), (doctor, "Visit of Ana Ruiz")):
        assert words in (await seen(house, f"/rooms/{visit.id}", who))[2]
    assert "Ana Ruiz" not in (await seen(house, f"/rooms/{visit.id}", guest))[2]
    await house.services.desk._encounters.save(visit.finished(house.clock.now()), was=visit)
    assert (await seen(house, f"/rooms/{visit.id}", doctor))[0] == 200


@pytest.mark.parametrize(
    "name", ["</script><script>alert(1)</script>", "{{ 7 * 7 }}", "<img src=x onerror=y>", 'O\'Brien & "Co"']
)
async def test_a_name_is_text_wherever_it_stands(house: House, name: str) -> None:
    user = await house.services.accounts.add_user(NewUser("a@b.example", name, Role.ADMIN, "", "Europe/Berlin"))
    page = (await seen(house, "/admin", await house.signed_in(user)))[2]
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert data_of(page)["user"]["name"] == name


async def test_a_program_gets_a_problem_where_a_person_gets_a_page(house: House) -> None:
    response = await house.ask("GET", "/worklist")
    assert (response.status, response.content_type) == (401, "application/problem+json")


async def test_head_is_answered_like_get(house: House) -> None:
    response = await house.ask("HEAD", "/login")
    assert (response.status, await response.read()) == (200, b"")


async def test_health(house: House) -> None:
    assert await (await house.ask("GET", "/livez")).json() == {"status": "ok"}
    assert await (await house.ask("GET", "/readyz")).json() == {
        "status": "ok",
        "database": "ok",
        "bus": "ok",
        "media": "ok",
    }


async def test_a_node_whose_database_is_gone_is_alive_and_not_ready(house: House) -> None:
    await house.services.health._checks["database"]()
    house.services.health._checks["database"] = failing
    response = await house.ask("GET", "/readyz")
    assert (response.status, (await response.json())["database"]) == (503, "failing")
    assert (await house.ask("GET", "/livez")).status == 200


async def failing() -> None:
    raise TimeoutError


@pytest.mark.parametrize("status", [500, 503])
async def test_a_page_that_fails_says_so_as_a_page_or_at_least_as_a_problem(house: House, status: int) -> None:
    doctor = await house.person("Ifeoma Okafor", Role.PRACTITIONER)

    async def fail(*_: object) -> None:
        raise Unavailable("The database does not answer.") if status == 503 else ZeroDivisionError

    object.__setattr__(house.services.accounts, "principal", fail)
    found, _, page = await seen(house, "/worklist", doctor)
    assert (found, data_of(page)["status"]) == (status, status)
    object.__setattr__(house.services.assets, "render", lambda *_: 1 / 0)
    response = await house.ask("GET", "/worklist", doctor, Accept=HTML)
    assert (response.status, response.content_type) == (status, "application/problem+json")
    assert response.headers.get("Retry-After") == ("10" if status == 503 else None)
