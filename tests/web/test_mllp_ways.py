"""The whole server with MLLP: from a socket to the alarms of a patient."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from telehealth.access import Role
from telehealth.config import BadSettings, load_settings
from telehealth.consultations.model import Encounter
from telehealth.errors import Unavailable
from telehealth.ids import DeviceId
from telehealth.ingest.mllp_door import mllp_tls
from telehealth.server import self_signed
from telehealth.vitals.aliases import AliasSystem, DeviceAlias
from tests.ingest.monitor import Monitor
from tests.interop.hl7.test_quirks import ALARM_HEADER, ALARM_REQUEST
from tests.interop.hl7.wire import BPM, HEADER, HR, PERCENT, SPO2, message, row
from tests.web.house import KEY, Caller, House, open_house, settings_for


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Bed:
    """A device at a bedside that HL7 calls by its EUI-64."""

    house: House
    admin: Caller
    doctor: Caller
    encounter: Encounter
    device: DeviceId


@asynccontextmanager
async def a_bed(folder: Path) -> AsyncIterator[Bed]:
    async with open_house(settings_for(folder, MLLP_PORT=str(free_port()))) as house:
        admin = await house.person("Admin", Role.ADMIN)
        patient, doctor = await house.person("Patient", Role.PATIENT), await house.person("Doctor", Role.PRACTITIONER)
        encounter = await house.visit(patient, doctor)
        yield Bed(house, admin, doctor, encounter, await called(house, admin, encounter, "0011223344556677"))


async def called(house: House, admin: Caller, encounter: Encounter, name: str) -> DeviceId:
    """Register a device at the bedside under an EUI-64."""
    device, _ = await house.device(admin, encounter)
    assert admin.principal is not None
    await house.services.aliases.put(admin.principal, device, [DeviceAlias(AliasSystem.EUI64, name, device)])
    return device


async def test_a_device_s_own_alarm_is_stored_before_it_is_acknowledged(tmp_path: Path) -> None:
    async with a_bed(tmp_path) as bed:
        monitor = await Monitor.connected(bed.house.services.mllp_port)
        assert "MSA|CA|42|" in await monitor.ask(message(row(HR, "75", BPM)))
        rows = (row("196670^MDC_EVT_LO^MDC", "Low SpO2", kind="ST", f8="L~PH~SP"), row(SPO2, "84", PERCENT))
        assert "MSA|CA|42|" in await monitor.ask(message(*rows, header=ALARM_HEADER, request=ALARM_REQUEST))
        answer = await bed.house.ask("GET", f"/api/v1/encounters/{bed.encounter.id}/alarms", bed.doctor)
        assert "Low SpO2" in await answer.text()
        await monitor.close()


async def test_a_revoked_device_s_connection_is_closed_and_no_other_s(tmp_path: Path) -> None:
    other_header = HEADER.replace("0011223344556677", "8899AABBCCDDEEFF")
    async with a_bed(tmp_path) as bed:
        house, port = bed.house, bed.house.services.mllp_port
        await called(house, bed.admin, bed.encounter, "8899AABBCCDDEEFF")
        revoked, other = await Monitor.connected(port), await Monitor.connected(port)
        assert "MSA|CA|42|" in await revoked.ask(message(row(HR, "75", BPM)))
        assert "MSA|CA|42|" in await other.ask(message(row(HR, "75", BPM), header=other_header))
        assert (await house.ask("POST", f"/api/v1/devices/{bed.device}/revoke", bed.admin)).status == 204
        # `ended` waits for five seconds at most.
        assert await revoked.ended()
        assert "MSA|CA|42|" in await other.ask(message(row(HR, "76", BPM), header=other_header))
        again = await Monitor.connected(port)
        assert "MSA|CE|42|This device has been revoked." in await again.ask(message(row(HR, "77", BPM)))
        for monitor in (other, again):
            await monitor.close()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"MLLP_HOST": "10.0.0.1", "MLLP_PORT": "2575"}, "loopback"),
        ({"MLLP_TLS_KEY": "key.pem"}, "belong together"),
        ({"MLLP_CLIENT_CA": "ca.pem"}, "needs mllp_tls_certificate"),
    ],
)
def test_settings_that_would_bare_mllp_are_refused(changes: dict[str, str], reason: str) -> None:
    environ = {f"TELEHEALTH_{name}": value for name, value in {"SECRET_KEY": KEY, **changes}.items()}
    with pytest.raises(BadSettings, match=reason):
        load_settings(environ)
    if "MLLP_HOST" in changes:
        assert load_settings({**environ, "TELEHEALTH_MLLP_UNENCRYPTED": "true"}).mllp_listens


def test_the_certificate_of_mllp_is_read_at_the_start(tmp_path: Path) -> None:
    certificate = tmp_path / "certificate.pem"
    certificate.write_bytes(self_signed("127.0.0.1"))
    environ = {"TELEHEALTH_SECRET_KEY": KEY, "TELEHEALTH_MLLP_TLS_KEY": str(certificate)}
    files = {"TELEHEALTH_MLLP_TLS_CERTIFICATE": str(certificate), "TELEHEALTH_MLLP_CLIENT_CA": str(certificate)}
    assert mllp_tls(load_settings(environ | files)) is not None
    with pytest.raises(Unavailable):
        mllp_tls(load_settings(environ | {"TELEHEALTH_MLLP_TLS_CERTIFICATE": str(tmp_path / "none.pem")}))
