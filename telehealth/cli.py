"""The `telehealth` command."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from telehealth.access import Role
from telehealth.config import Settings, load_settings, settings_markdown
from telehealth.errors import TelehealthError

cli = typer.Typer(
    help="Video consultations in which the vital signs are part of the conversation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
simulate = typer.Typer(help="Simulated devices.", no_args_is_help=True)
audit = typer.Typer(help="The audit trail.", no_args_is_help=True)
user = typer.Typer(help="Users.", no_args_is_help=True)
cli.add_typer(simulate, name="simulate")
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


def _run(main_coroutine: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop where there is one."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    if sys.platform != "win32":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main_coroutine)


def _settings(config: Path | None) -> Settings:
    return load_settings(os.environ, config)


@cli.command()
def serve(config: ConfigFile = None) -> None:
    """Run the server until it is told to stop."""
    from telehealth.logs import configure_logging
    from telehealth.server import serve as serve_until_stopped

    settings = _settings(config)
    configure_logging(settings.log_level, settings.log_format)
    _run(serve_until_stopped(settings))


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

    _run(show(DemoOptions(as_json=as_json, port=port, address=address, scenario=scenario)))


@simulate.command()
def monitor(
    token: Annotated[str, typer.Option(envvar="TELEHEALTH_DEVICE_TOKEN", help="The device's credential.")],
    url: Annotated[str, typer.Option(help="Where the server is.")] = "http://127.0.0.1:8080",
    scenario: Annotated[
        str, typer.Option(help="stable, desaturation, tachycardia, lead_off or disconnection.")
    ] = "stable",
    record: Annotated[
        Path | None, typer.Option(help="Replay this WFDB record instead (path without ending; extra `replay`).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same patient.")] = 1,
) -> None:
    """Be a bedside monitor: ECG, pleth, respiration and numerics of a synthetic patient, or of a recording."""
    from telehealth.demo.monitor import MonitorOptions, simulate_monitor

    _run(simulate_monitor(MonitorOptions(url=url, token=token, scenario=scenario, record=record, seed=seed)))


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
    from telehealth.app import migrate as migrate_database

    migrate_database(_settings(config))
    print("The database has the present schema.")


@audit.command()
def verify(config: ConfigFile = None) -> None:
    """Check every seal of the audit trail; exit code 1 if one does not fit."""
    from telehealth.app import verify_audit

    async def check() -> None:
        verdicts = await verify_audit(_settings(config))
        for verdict in verdicts:
            print(verdict)
        if any(not verdict.intact for verdict in verdicts):
            raise SystemExit(1)

    _run(check())


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
    from telehealth.app import add_user

    password = typer.prompt("Password (at least 15 characters)", hide_input=True, confirmation_prompt=True)
    _run(add_user(_settings(config), NewUser(email, name, role, password, time_zone)))
    print("Added.")
