"""The line to the broker as the settings want it: held from the start of the application to its end, or not at all."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from telehealth.config import Settings
from telehealth.errors import Unavailable
from telehealth.ingest.mqtt_inbox import MqttInbox, MqttPorts
from telehealth.interop.mqtt_payloads import Rule, default_rules, rules_of

_PORTS = {"mqtt": 1883, "mqtts": 8883}


@asynccontextmanager
async def mqtt_door(settings: Settings, ports: MqttPorts) -> AsyncIterator[None]:
    """Take what devices publish while the context lasts.

    Raises:
        Unavailable: The extra `mqtt` is not installed, or a file can't be read.
        Invalid: The rules can't be used.
    """
    if not settings.mqtt_url:
        yield
        return
    try:
        from telehealth.ingest.mqtt import MqttIntake, MqttOptions
    except ImportError as error:
        raise Unavailable("MQTT needs the extra `mqtt`: pip install 'telehealth[mqtt]'.", code="no_mqtt") from error
    parts = urlsplit(settings.mqtt_url)
    options = MqttOptions(
        host=parts.hostname or "",
        port=parts.port or _PORTS[parts.scheme],
        version=settings.mqtt_version,
        identity=f"telehealth-{settings.node}",
        username=settings.mqtt_username,
        password=settings.mqtt_password.get_secret_value(),
        tls=_tls(settings.mqtt_ca) if parts.scheme == "mqtts" else None,
    )
    intake = MqttIntake(options, MqttInbox(_rules(settings), ports))
    intake.start()
    try:
        yield
    finally:
        await intake.aclose()


def _rules(settings: Settings) -> tuple[Rule, ...]:
    own = default_rules(settings.mqtt_tenant)
    if settings.mqtt_rules is None:
        return own
    try:
        text = settings.mqtt_rules.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"mqtt_rules can't be read: {type(error).__name__}.", code="no_rules") from None
    return (*own, *rules_of(text))


def _tls(ca: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca) if ca else None)
    except OSError as failure:
        raise Unavailable(f"mqtt_ca can't be used: {failure.strerror or failure}.", code="bad_tls") from None
