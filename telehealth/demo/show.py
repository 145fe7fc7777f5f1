"""`telehealth demo`: an invented clinic that runs from nothing, with its links and its simulated devices."""

import asyncio
import base64
import json
import logging
import os
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from telehealth.config import LogFormat, LogLevel, Settings, load_settings
from telehealth.demo.clinic import Clinic, seed
from telehealth.demo.monitor import MonitorOptions, simulate_monitor
from telehealth.logs import configure_logging
from telehealth.server import Running, running, stop_signal

logger = logging.getLogger(__name__)


_PEOPLE = (
    ("Patient at home, Ana", "patient_url"),
    ("Doctor", "doctor_url"),
    ("Paramedic", "paramedic_url"),
    ("Administrator", "admin_url"),
    ("Another patient, by invitation", "invitation_url"),
)


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line says."""

    as_json: bool
    port: int
    address: str
    scenario: str


async def show(options: DemoOptions) -> None:
    """Seed a fresh clinic, print its links and serve until SIGINT or SIGTERM."""
    stop = stop_signal()
    console = Console(stderr=options.as_json)
    with _fresh_folder() as folder:
        settings = _settings(options, folder)
        # People watch the terminal: only what goes wrong is logged there.
        configure_logging(LogLevel.WARNING, LogFormat.JSON if options.as_json else LogFormat.AUTO)
        async with AsyncExitStack() as stack:
            with _progress(console) as progress:
                task = progress.add_task("starting", total=None)
                live = await stack.enter_async_context(running(settings))
                clinic = await seed(live.services, lambda what: progress.update(task, description=f"inventing {what}"))
            _announce(console, options, live, clinic)
            await _until(stop, live, clinic, options)
    if not options.as_json:
        console.print("Stopped. Nothing of the demo is left behind.")


async def _until(stop: asyncio.Event, live: Running, clinic: Clinic, options: DemoOptions) -> None:
    """Run both monitors until `stop`."""
    home = MonitorOptions(url=live.base_url, token=clinic.home_monitor, scenario=options.scenario, seed=1)
    ambulance = MonitorOptions(url=live.base_url, token=clinic.ambulance_monitor, scenario="tachycardia", seed=7)
    async with asyncio.TaskGroup() as group:
        monitors = [group.create_task(simulate_monitor(each)) for each in (home, ambulance)]
        await stop.wait()
        for monitor in monitors:
            monitor.cancel()


def links(live: Running, clinic: Clinic) -> dict[str, str | int]:
    """Return what `telehealth demo --json` prints."""

    def enter(secret: str) -> str:
        return f"{live.base_url}/demo#{secret}"

    return {
        "base_url": live.base_url,
        "patient_url": enter(clinic.patient),
        "doctor_url": enter(clinic.doctor),
        "paramedic_url": enter(clinic.paramedic),
        "admin_url": enter(clinic.admin),
        "invitation_url": f"{live.base_url}/join#{clinic.invitation}",
        "device_token": clinic.home_monitor,
        "encounter_id": clinic.encounter_id,
        "media_port": live.services.media_port,
    }


def _announce(console: Console, options: DemoOptions, live: Running, clinic: Clinic) -> None:
    printed = links(live, clinic)
    if options.as_json:
        sys.stdout.write(json.dumps(printed) + "\n")
        sys.stdout.flush()
        return
    console.print("\n[bold]An invented clinic is open.[/]")
    for who, key in _PEOPLE:
        # Never cut: a link that lost its end signs nobody in.
        console.print(f"\n[bold]{who}[/]\n  {printed[key]}", soft_wrap=True, highlight=False)
    console.print(
        "\nEach link signs its person in, so open each in a window of its own profile (or one private window each).\n"
        "  1. Patient: allow camera and microphone, enter the waiting room.\n"
        "  2. Doctor: join, then Admit. You see each other, and Ana's monitor over the picture.\n"
        "  3. Paramedic: New case, Ring. The doctor's page rings; Accept.\n"
        "  4. Pull the monitor's plug, or give it another patient (it takes the place of Ana's):\n"
        f"     {_command()} simulate monitor --scenario desaturation --url {live.base_url} "
        f"--token {clinic.home_monitor}\n"
        "This is a secondary display, not an alarm system. All people here are invented.\n"
        "Ctrl-C stops it.",
        highlight=False,
        soft_wrap=True,
    )


def _command() -> str:
    """Return what to type for our own command, from here."""
    program = Path(sys.argv[0]).absolute()
    return str(program.relative_to(Path.cwd())) if program.is_relative_to(Path.cwd()) else program.name


def _settings(options: DemoOptions, folder: Path) -> Settings:
    edges = ("TELEHEALTH_MEDIA_", "TELEHEALTH_TURN_")
    environ = {name: value for name, value in os.environ.items() if name.startswith(edges)}
    away = options.address != "127.0.0.1"
    ours = {
        "TELEHEALTH_DEMO": "true",
        "TELEHEALTH_DATA_DIR": str(folder),
        "TELEHEALTH_SECRET_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "TELEHEALTH_HTTP_HOST": options.address,
        "TELEHEALTH_HTTP_PORT": str(_free_port(options.address, options.port)),
        "TELEHEALTH_TLS_SELF_SIGNED": str(away).lower(),
    }
    media = {"TELEHEALTH_MEDIA_HOST": options.address, "TELEHEALTH_MEDIA_PORT": "0"}
    return load_settings({**media, **environ, **ours})


def _free_port(address: str, wanted: int) -> int:
    """Return the wanted port, or 0 if somebody listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, wanted))
        except OSError:
            return 0
    return wanted


@contextmanager
def _fresh_folder() -> Iterator[Path]:
    """A folder that goes when the demo ends."""
    folder = Path(tempfile.mkdtemp(prefix="telehealth-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _progress(console: Console) -> Progress:
    return Progress(SpinnerColumn(), TextColumn("{task.description}"), console=console, transient=True)
