"""What handlers call; app.py fills it in."""

from dataclasses import dataclass

from aiohttp import web

from telehealth.accounts.service import Accounts
from telehealth.audit import AuditTrail
from telehealth.bus import Bus
from telehealth.clock import Clock
from telehealth.config import Settings
from telehealth.consultations.host import RoomHost
from telehealth.consultations.path_check import PathCheck
from telehealth.consultations.recordings import RecordingFiles, Recordings
from telehealth.consultations.service import Consultations
from telehealth.dispatch.service import Dispatch
from telehealth.dispatch.worklist import Worklists
from telehealth.metrics import Metrics
from telehealth.scheduling.service import Scheduling
from telehealth.vitals.alarm_watch import AlarmWatch
from telehealth.vitals.alarms import Alarms
from telehealth.vitals.aliases import AliasRegistry
from telehealth.vitals.bedside import BedsideReadings
from telehealth.vitals.deliveries import Deliveries
from telehealth.vitals.history import VitalsHistory
from telehealth.vitals.registry import DeviceRegistry
from telehealth.vitals.reports import Reports
from telehealth.vitals.service import VitalsPlane
from telehealth.web.album import Album
from telehealth.web.assets import Assets
from telehealth.web.audit_reader import AuditReader
from telehealth.web.front_desk import FrontDesk
from telehealth.web.health import Health
from telehealth.web.proxies import Proxies
from telehealth.web.rate_limits import RateLimits
from telehealth.web.sockets.open_sockets import OpenSockets


@dataclass(frozen=True, slots=True)
class Services:
    """All that a handler may reach.

    Attributes:
        media_port: The UDP port that media really uses.
        mllp_port: The TCP port on which MLLP is taken, 0 for none.
    """

    settings: Settings
    clock: Clock
    bus: Bus
    metrics: Metrics
    accounts: Accounts
    scheduling: Scheduling
    consultations: Consultations
    dispatch: Dispatch
    worklists: Worklists
    devices: DeviceRegistry
    vitals: VitalsPlane
    history: VitalsHistory
    watch: AlarmWatch
    alarms: Alarms
    deliveries: Deliveries
    reports: Reports
    aliases: AliasRegistry
    bedside: BedsideReadings
    album: Album
    recordings: Recordings
    recording_files: RecordingFiles
    trail: AuditTrail
    desk: FrontDesk
    rooms: RoomHost
    path_check: PathCheck
    audit: AuditReader
    assets: Assets
    proxies: Proxies
    limits: RateLimits
    sockets: OpenSockets
    health: Health
    media_port: int
    mllp_port: int


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)
