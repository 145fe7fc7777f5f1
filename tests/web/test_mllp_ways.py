"""The whole server with MLLP: from a socket to the alarms of a patient."""

import socket
from pathlib import Path

import pytest

from telehealth.access import Role
from telehealth.config import BadSettings, load_settings
from telehealth.errors import Unavailable
from telehealth.ingest.mllp_door import mllp_tls
from telehealth.server import self_signed
from telehealth.vitals.aliases import AliasSystem, DeviceAlias
from tests.ingest.monitor import Monitor
from tests.interop.hl7.test_quirks import ALARM_HEADER, ALARM_REQUEST
from tests.interop.hl7.wire import BPM, HR, PERCENT, SPO2, message, row
from tests.web.house import KEY, open_house


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_device_s_own_alarm_is_stored_before_it_is_acknowledged(tmp_path: Path) -> None:
    ours = {
        "DATA_DIR": str(tmp_path),
        "MEDIA_PORT": "0",
        "SECRET_KEY": KEY,
        "DEMO": "true",
        "MLLP_PORT": str(free_port()),
    }
    settings = load_settings({f"TELEHEALTH_{name}": value for name, value in ours.items()})
    async with open_house(settings) as house:
        services = house.services
        admin = await house.person("Admin", Role.ADMIN)
        patient, doctor = await house.person("Patient", Role.PATIENT), await house.person("Doctor", Role.PRACTITIONER)
        encounter = await house.visit(patient, doctor)
        device, _ = await house.device(admin, encounter)
        assert admin.principal is not None and doctor.principal is not None
        await services.aliases.put(
            admin.principal, device, [DeviceAlias(AliasSystem.EUI64, "0011223344556677", device)]
        )
        monitor = await Monitor.connected(services.mllp_port)
        assert "MSA|CA|42|" in await monitor.ask(message(row(HR, "75", BPM)))
        rows = (row("196670^MDC_EVT_LO^MDC", "Low SpO2", kind="ST", f8="L~PH~SP"), row(SPO2, "84", PERCENT))
        assert "MSA|CA|42|" in await monitor.ask(message(*rows, header=ALARM_HEADER, request=ALARM_REQUEST))
        answer = await house.ask("GET", f"/api/v1/encounters/{encounter.id}/alarms", doctor)
        assert "Low SpO2" in await answer.text()
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
