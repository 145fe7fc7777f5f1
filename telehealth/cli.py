"""The `telehealth` command."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from telehealth.access import Role
from telehealth.clock import SystemClock
from telehealth.config import Settings, load_settings, settings_markdown
from telehealth.errors import Invalid, TelehealthError
from telehealth.interop.hl7.acks import AckStyle
from telehealth.runtime import run

cli = typer.Typer(
    help="Video consultations in which the vital signs are part of the conversation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
simulate = typer.Typer(help="Simulated devices.", no_args_is_help=True)
inspect = typer.Typer(help="What a message would become: one JSON object, nothing is stored.", no_args_is_help=True)
audit = typer.Typer(help="The audit trail.", no_args_is_help=True)
user = typer.Typer(help="Users.", no_args_is_help=True)
cli.add_typer(simulate, name="simulate")
cli.add_typer(inspect, name="inspect")
cli.add_typer(audit, name="audit")
cli.add_typer(user, name="user")

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="TOML file; TELEHEALTH_* variables win over it.", show_default=False)
]


def main() -> None:
    """Run the command; a refusal of ours is one line on standard error and exit code 1."""
    try:
        cli()
    except TelehealthError as refusal:
        print(refusal.text, file=sys.stderr)
        raise SystemExit(1) from None


def _settings(config: Path | None) -> Settings:
    return load_settings(os.environ, config)


@cli.command()
def serve(config: ConfigFile = None) -> None:
    """Run the server until it is told to stop."""
    from telehealth.logs import configure_logging
    from telehealth.server import serve as serve_until_stopped

    settings = _settings(config)
    configure_logging(settings.log_level, settings.log_format)
    run(serve_until_stopped(settings))


@cli.command()
def demo(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the links as one JSON object, then serve.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="HTTP port; another one if it is taken.")] = 8080,
    address: Annotated[
        str, typer.Option(help="Address of this machine, to try it on a phone in the same network (self-signed TLS).")
    ] = "127.0.0.1",
    scenario: Annotated[str, typer.Option(help="How the patient at home fares; see `simulate monitor`.")] = "stable",
) -> None:
    """Serve an invented clinic with simulated devices, and print links that sign you in."""
    from telehealth.demo.show import DemoOptions, show

    run(show(DemoOptions(as_json=as_json, port=port, address=address, scenario=scenario)))


@simulate.command()
def monitor(
    token: Annotated[str, typer.Option(envvar="TELEHEALTH_DEVICE_TOKEN", help="The device's credential.")],
    url: Annotated[str, typer.Option(help="Where the server is.")] = "http://127.0.0.1:8080",
    scenario: Annotated[
        str, typer.Option(help="stable, desaturation, tachycardia, lead_off or disconnection.")
    ] = "stable",
    record: Annotated[
        Path | None,
        typer.Option(help="Replay this recording instead: WFDB (path of its header), or `.csv` (extra `replay`)."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same patient.")] = 1,
    journal: Annotated[
        Path | None,
        typer.Option(help="File that keeps what is not yet stored, over a restart, too.", show_default=False),
    ] = None,
) -> None:
    """Be a bedside monitor: ECG, pleth, respiration and numerics of a synthetic patient, or of a recording."""
    from telehealth.demo.monitor import MonitorOptions, simulate_monitor

    options = MonitorOptions(url=url, token=token, scenario=scenario, record=record, seed=seed, journal=journal)
    run(simulate_monitor(options))


@simulate.command("hl7")
def simulate_hl7_monitor(
    device: Annotated[str, typer.Option(help="The device's EUI-64, entered as its alias.")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the MLLP server.")] = 2575,
    host: Annotated[str, typer.Option(help="Address of the MLLP server.")] = "127.0.0.1",
    scenario: Annotated[str, typer.Option(help="As for `simulate monitor`.")] = "stable",
    seed: Annotated[int, typer.Option(help="Same seed, same patient.")] = 1,
    ca: Annotated[
        Path | None, typer.Option(help="Speak TLS, and trust the certificates in this file (PEM).", show_default=False)
    ] = None,
) -> None:
    """Be a monitor that sends HL7 v2 over MLLP: numbers and waves of a synthetic patient, each second."""
    import ssl

    from telehealth.demo.hl7_monitor import Hl7Options, simulate_hl7

    tls = ssl.create_default_context(cafile=str(ca)) if ca else None
    run(simulate_hl7(Hl7Options(host, port, device, scenario, seed, tls), typer.echo))


@simulate.command("http")
def simulate_http_monitor(
    token: Annotated[str, typer.Option(envvar="TELEHEALTH_DEVICE_TOKEN", help="The device's credential.")],
    url: Annotated[str, typer.Option(help="Where the server is.")] = "http://127.0.0.1:8080",
    scenario: Annotated[str, typer.Option(help="As for `simulate monitor`.")] = "stable",
    seed: Annotated[int, typer.Option(help="Same seed, same patient.")] = 1,
) -> None:
    """Be a monitor that posts a parcel over HTTP each second: numbers and waves of a synthetic patient."""
    from telehealth.demo.http_monitor import Format, HttpOptions, simulate_http

    run(simulate_http(HttpOptions(url, token, Format.PARCEL, scenario, seed), typer.echo))


@simulate.command("fhir")
def simulate_fhir_gateway(
    token: Annotated[str, typer.Option(envvar="TELEHEALTH_DEVICE_TOKEN", help="The device's credential.")],
    url: Annotated[str, typer.Option(help="Where the server is.")] = "http://127.0.0.1:8080",
    scenario: Annotated[str, typer.Option(help="As for `simulate monitor`.")] = "stable",
    seed: Annotated[int, typer.Option(help="Same seed, same patient.")] = 1,
) -> None:
    """Be a gateway that posts a FHIR R4 Bundle each second: Observations and SampledData of a synthetic patient."""
    from telehealth.demo.http_monitor import Format, HttpOptions, simulate_http

    run(simulate_http(HttpOptions(url, token, Format.FHIR, scenario, seed), typer.echo))


@simulate.command("sensor")
def simulate_sensor_in_a_page(
    token: Annotated[str, typer.Option(envvar="TELEHEALTH_TOKEN", help="Access token of a person of the encounter.")],
    encounter: Annotated[str, typer.Option(help="Id of the encounter.")],
    url: Annotated[str, typer.Option(help="Where the server is.")] = "http://127.0.0.1:8080",
    seed: Annotated[int, typer.Option(help="Same seed, same patient.")] = 1,
) -> None:
    """Be a chest strap that a browser reads: octets of the Heart Rate service, each second."""
    from telehealth.demo.sensor import SensorOptions, simulate_sensor

    run(simulate_sensor(SensorOptions(url, token, encounter, seed=seed), typer.echo))


@simulate.command("mqtt")
def simulate_mqtt_monitor(
    device: Annotated[str, typer.Option(help="The device's id, which is a level of its topic.")],
    url: Annotated[str, typer.Option(help="The broker: mqtt:// or mqtts://.")] = "mqtt://127.0.0.1:1883",
    tenant: Annotated[str, typer.Option(help="As the server's `mqtt_tenant`.")] = "clinic",
    scenario: Annotated[str, typer.Option(help="As for `simulate monitor`.")] = "stable",
    seed: Annotated[int, typer.Option(help="Same seed, same patient.")] = 1,
    password: Annotated[
        str, typer.Option(envvar="TELEHEALTH_DEVICE_PASSWORD", help="At the broker, where its name is its id.")
    ] = "",
) -> None:
    """Be a monitor that publishes over MQTT: numbers and waves of a synthetic patient, each second."""
    from telehealth.demo.mqtt_monitor import MqttMonitorOptions, simulate_mqtt

    run(simulate_mqtt(MqttMonitorOptions(url, device, tenant, scenario, seed, password), typer.echo))


InspectedFile = Annotated[Path, typer.Argument(help="The file; `-` reads standard input.", show_default=False)]


def _inspected(file: Path, read: Callable[[bytes], dict[str, Any]]) -> None:
    """Print what `read` makes of the file as one JSON object."""
    if str(file) == "-":
        data = sys.stdin.buffer.read()
    else:
        try:
            data = file.read_bytes()
        except OSError as error:
            raise Invalid(f"Can't read {file}: {error.strerror}.", code="no_file") from None
    print(json.dumps(read(data), ensure_ascii=False, indent=2, allow_nan=False))


@inspect.command("hl7")
def inspect_hl7(
    file: InspectedFile,
    zone: Annotated[str, typer.Option(help="IANA name of the zone of times that name none.")] = "",
    ack_style: Annotated[AckStyle, typer.Option(help="How the sender is to be answered.")] = AckStyle.AUTO,
    *,
    debug_is_test: Annotated[bool, typer.Option(help="MSH-11 `D` means a test, as `T` does.")] = True,
    refuse_x: Annotated[bool, typer.Option(help="Refuse values beside `no result` (OBX-11 X).")] = False,
) -> None:
    """Show what an HL7 version 2 message (PCD-01, PCD-04) would become, and how it would be acknowledged."""
    from telehealth.interop.hl7.inspection import inspect as inspect_message
    from telehealth.interop.hl7.rows import Reading, zone_named

    where = zone_named(zone) if zone else None
    reading = Reading(where, accept_x=not refuse_x, debug_is_test=debug_is_test)
    _inspected(file, lambda data: inspect_message(data, reading, SystemClock().now(), style=ack_style))


@inspect.command("fhir")
def inspect_fhir(file: InspectedFile) -> None:
    """Show what a FHIR R4 Observation or Bundle would become."""
    from telehealth.interop.fhir.inspection import inspect as inspect_resource

    _inspected(file, lambda data: inspect_resource(data, SystemClock().now()))


@inspect.command("gatt")
def inspect_gatt(file: InspectedFile) -> None:
    """Show what values of Bluetooth characteristics would become: lines such as `2A37: 16 4B`, or JSON."""
    from telehealth.interop.gatt.inspection import inspect as inspect_values

    _inspected(file, lambda data: inspect_values(data, SystemClock().now()))


@inspect.command("mqtt")
def inspect_mqtt(
    file: InspectedFile,
    rules: Annotated[Path | None, typer.Option(help="File with rules, as `mqtt_rules` names it.")] = None,
    tenant: Annotated[str, typer.Option(help="As `mqtt_tenant`.")] = "clinic",
) -> None:
    """Show what MQTT messages would become: payloads, or JSON with `topic` and `payload`."""
    from telehealth.interop.mqtt_inspection import inspect as inspect_messages
    from telehealth.interop.mqtt_payloads import default_rules, rules_of

    own = default_rules(tenant)
    known = (*own, *rules_of(rules.read_text("utf-8"))) if rules else own
    _inspected(file, lambda data: inspect_messages(data, known, SystemClock().now()))


@cli.command("check-config")
def check_config(config: ConfigFile = None) -> None:
    """Read the settings and say whether they can be used."""
    settings = _settings(config)
    print(f"The settings can be used. The server will be at {settings.base_url}.")


@cli.command("config-doc")
def config_doc() -> None:
    """Print docs/configuration.md."""
    print(settings_markdown(), end="")


@cli.command()
def migrate(config: ConfigFile = None) -> None:
    """Bring the database to the present schema."""
    from telehealth.administration import migrate as migrate_database

    migrate_database(_settings(config))
    print("The database has the present schema.")


@cli.command()
def purge(config: ConfigFile = None) -> None:
    """Delete what is older than `retention_…_days` let it be; the server does so each hour."""
    from telehealth.administration import purge as purge_database

    async def delete() -> None:
        purged = await purge_database(_settings(config))
        print(
            f"Deleted {purged.waves} waveform frames, {purged.numerics} messages of numerics "
            f"and {purged.recordings} recordings."
        )

    run(delete())


@audit.command()
def verify(config: ConfigFile = None) -> None:
    """Check every seal of the audit trail; exit code 1 if one does not fit."""
    from telehealth.administration import verify_audit

    async def check() -> None:
        verdicts = await verify_audit(_settings(config))
        for verdict in verdicts:
            print(verdict)
        if any(not verdict.intact for verdict in verdicts):
            raise SystemExit(1)

    run(check())


@user.command()
def add(
    email: Annotated[str, typer.Option()],
    name: Annotated[str, typer.Option()],
    role: Annotated[Role, typer.Option()],
    time_zone: Annotated[str, typer.Option(help="IANA name.")] = "UTC",
    config: ConfigFile = None,
) -> None:
    """Add a user; asks for the password."""
    from telehealth.accounts.model import NewUser
    from telehealth.administration import add_user

    password = typer.prompt("Password (at least 15 characters)", hide_input=True, confirmation_prompt=True)
    run(add_user(_settings(config), NewUser(email, name, role, password, time_zone)))
    print("Added.")
