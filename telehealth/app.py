"""The composition root: the one module that knows every edge, and the order in which they open and close."""

import base64
import hmac
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, replace

from aiohttp import web

from telehealth.accounts.service import Accounts
from telehealth.clock import Clock
from telehealth.config import Settings
from telehealth.consultations.bedsides import EncounterBedsides
from telehealth.consultations.carrying_out import RoomPorts
from telehealth.consultations.host import RoomHost, RoomLimits
from telehealth.consultations.messages import IceServer
from telehealth.consultations.model import Admission, Encounter, Participant
from telehealth.consultations.path_check import PathCheck
from telehealth.consultations.service import ConsultationPorts, Consultations
from telehealth.dispatch.ports import DispatchPorts
from telehealth.dispatch.service import Dispatch
from telehealth.dispatch.worklist import Worklists
from telehealth.errors import TelehealthError, Unavailable
from telehealth.ground import Ground, Surroundings, account_ports, hasher, issuer, open_ground
from telehealth.ids import ParticipantId
from telehealth.ingest.hl7_inbox import InboxPorts
from telehealth.ingest.mllp_door import mllp_door
from telehealth.ingest.mqtt_door import mqtt_door
from telehealth.ingest.mqtt_inbox import MqttPorts
from telehealth.interop.alarm_messages import AlarmsJson
from telehealth.interop.pews_table import pews_table
from telehealth.interop.vital_frames import decode_frame
from telehealth.interop.watch_messages import VitalsJson
from telehealth.metrics import Figure, Metrics
from telehealth.purging import Purging, recording_files
from telehealth.scheduling.service import Scheduling
from telehealth.sfu.carrier import Carrier, Carry
from telehealth.sfu.counters import MediaStatistics
from telehealth.sfu.media_settings import MediaSettings, ProcessSettings
from telehealth.sfu.recorder import RoomRecorder
from telehealth.storage.cipher import FieldCipher
from telehealth.storage.database import Database
from telehealth.storage.encounters import SqlEncounters
from telehealth.storage.sealed_files import SealedFiles
from telehealth.tasks import Tasks
from telehealth.vitals.alarm import AlarmPolicy
from telehealth.vitals.alarm_watch import AlarmWatch, WatchPorts
from telehealth.vitals.alarms import Alarms
from telehealth.vitals.aliases import AliasRegistry
from telehealth.vitals.bedside import BedsideReadings
from telehealth.vitals.deliveries import Deliveries
from telehealth.vitals.history import VitalsHistory
from telehealth.vitals.pews import PewsTable
from telehealth.vitals.registry import DeviceRegistry
from telehealth.vitals.reports import ReportPorts, Reports
from telehealth.vitals.service import VitalsPlane
from telehealth.web.album import Album
from telehealth.web.application import new_application
from telehealth.web.assets import Assets
from telehealth.web.audit_reader import AuditReader
from telehealth.web.front_desk import FrontDesk
from telehealth.web.health import Health
from telehealth.web.proxies import Proxies
from telehealth.web.rate_limits import RateLimits
from telehealth.web.services import SERVICES, Services
from telehealth.web.sockets.open_sockets import OpenSockets

__all__ = ["SERVICES", "Services", "Surroundings", "build"]

logger = logging.getLogger(__name__)

TURN_SECONDS = 600


def build(settings: Settings, surroundings: Surroundings | None = None) -> web.Application:
    """Return the server as an application: opened at its start, closed in reverse order at its end."""
    assets = Assets()
    app = new_application(assets)

    async def serving(app: web.Application) -> AsyncIterator[None]:
        async with _services(settings, assets, surroundings or Surroundings()) as services:
            app[SERVICES] = services
            yield

    async def stopping(app: web.Application) -> None:
        # Before anything is closed: browsers come back to the next server, or to this one once it is up again.
        app[SERVICES].sockets.close_all()

    app.cleanup_ctx.append(serving)
    app.on_shutdown.append(stopping)
    return app


@asynccontextmanager
async def _services(settings: Settings, assets: Assets, around: Surroundings) -> AsyncIterator[Services]:
    async with AsyncExitStack() as stack:
        ground = await open_ground(settings, around, stack)
        accounts = Accounts(account_ports(ground, around.passwords or hasher(stack)), issuer=issuer(settings))
        await accounts.ensure_key()
        devices = DeviceRegistry(
            devices=ground.stores.devices, audit=ground.audit, clock=ground.clock, new_id=ground.new_id
        )
        watch_ports = _watch_ports(ground)
        watch = _watch(settings, watch_ports)
        watch.start()
        stack.push_async_callback(watch.aclose)
        encounters = LettingGo(ground.database, ground.cipher, LetGo(devices, accounts, watch))
        ground = replace(ground, stores=replace(ground.stores, encounters=encounters))
        metrics = Metrics()
        carried = await stack.enter_async_context(_carried(settings, ground, metrics, around.carry))
        rooms = _room_host(settings, ground, carried)
        stack.push_async_callback(rooms.aclose)
        sockets = OpenSockets(ground.bus, metrics, limit=settings.sockets_limit)
        await sockets.start()
        stack.push_async_callback(sockets.aclose)
        consultations = Consultations(_consultation_ports(ground), accounts=accounts)
        scheduling = _scheduling(ground)
        dispatch = _dispatch_ports(ground)
        await stack.enter_async_context(Purging(settings, ground).hourly())
        ways = await stack.enter_async_context(_ways_in(settings, ground, metrics, watch))
        yield Services(
            settings=settings,
            clock=ground.clock,
            bus=ground.bus,
            metrics=metrics,
            accounts=accounts,
            scheduling=scheduling,
            consultations=consultations,
            dispatch=Dispatch(dispatch),
            worklists=Worklists(dispatch),
            devices=devices,
            vitals=ways.vitals,
            history=_history(ground),
            watch=watch,
            alarms=Alarms(watch_ports, watch, ground.audit),
            deliveries=ways.deliveries,
            reports=ways.reports,
            aliases=_aliases(ground),
            bedside=_bedside(ground, ways.deliveries),
            album=_album(ground),
            recordings=ground.stores.recordings,
            recording_files=carried.files,
            trail=ground.audit,
            desk=FrontDesk(
                accounts=accounts,
                consultations=consultations,
                scheduling=scheduling,
                devices=devices,
                encounters=encounters,
                new_id=ground.new_id,
            ),
            rooms=rooms,
            path_check=_path_check(settings, ground, carried),
            audit=AuditReader(ground.audit, settings.node),
            assets=assets,
            proxies=Proxies(settings.trusted_proxies),
            limits=RateLimits(metrics, ground.clock, logins_per_minute=settings.logins_per_minute),
            sockets=sockets,
            health=Health({"database": ground.database.check, "bus": ground.check_bus, "media": carried.media.check}),
            media_port=carried.media.port,
            mllp_port=ways.mllp_port,
        )
        logger.info("node %s stops", settings.node)


@dataclass(frozen=True, slots=True)
class LetGo:
    """What holds on to an encounter until it ends."""

    devices: DeviceRegistry
    links: Accounts
    watch: AlarmWatch


class LettingGo(SqlEncounters):
    """Stored encounters; when one ends, devices measure for nobody any more, links let nobody in, alarms end.

    Who is removed from the room loses the link, too.

    Implements consultations.ports.Encounters.
    """

    def __init__(self, database: Database, cipher: FieldCipher, held: LetGo) -> None:
        super().__init__(database, cipher)
        self._held = held

    async def save_seat(self, participant: Participant) -> None:
        await super().save_seat(participant)
        if participant.admission is Admission.REMOVED:
            # The link let its bearer read the patient's vitals, too, not only into the room.
            await self._held.links.revoke_invitation(participant.subject)

    async def save(self, changed: Encounter, *, was: Encounter) -> None:
        await super().save(changed, was=was)
        if not changed.ended or was.ended:
            return
        held = self._held
        for let_go in (held.devices.release_all, held.links.revoke_invitations, held.watch.ended):
            try:
                await let_go(changed.id)
            except TelehealthError as error:
                # It has ended in any case: an ended encounter gives no tickets. What else holds on is let go.
                logger.warning("encounter %s: not all that belonged to it was let go: %s", changed.id, error.code)


def _consultation_ports(ground: Ground) -> ConsultationPorts:
    return ConsultationPorts(
        encounters=ground.stores.encounters,
        patients=ground.stores.patients,
        bus=ground.bus,
        audit=ground.audit,
        clock=ground.clock,
        new_id=ground.new_id,
    )


def _dispatch_ports(ground: Ground) -> DispatchPorts:
    return DispatchPorts(
        cases=ground.stores.cases,
        users=ground.stores.users,
        patients=ground.stores.patients,
        encounters=ground.stores.encounters,
        appointments=ground.stores.appointments,
        bus=ground.bus,
        audit=ground.audit,
        clock=ground.clock,
        new_id=ground.new_id,
    )


def _scheduling(ground: Ground) -> Scheduling:
    return Scheduling(
        schedules=ground.stores.schedules,
        appointments=ground.stores.appointments,
        bus=ground.bus,
        audit=ground.audit,
        clock=ground.clock,
        new_id=ground.new_id,
    )


def _watch_ports(ground: Ground) -> WatchPorts:
    return WatchPorts(
        records=ground.stores.watch_records,
        bedsides=EncounterBedsides(ground.stores.encounters, ground.stores.patients),
        devices=ground.stores.devices,
        bus=ground.bus,
        wire=AlarmsJson(),
        clock=ground.clock,
        new_id=ground.new_id,
    )


def _watch(settings: Settings, ports: WatchPorts) -> AlarmWatch:
    policy = AlarmPolicy(realarm_s=60.0 * settings.alarm_again_minutes if settings.alarm_again_minutes else None)
    return AlarmWatch(ports, demonstration=settings.demo, policy=policy, table=_pews_table(settings))


def _pews_table(settings: Settings) -> PewsTable | None:
    if settings.pews_table is None:
        return None
    try:
        raw = settings.pews_table.read_bytes()
    except OSError as error:
        raise Unavailable(f"pews_table can't be read: {type(error).__name__}.", code="no_pews_table") from None
    return pews_table(raw)


def _vitals(ground: Ground) -> VitalsPlane:
    return VitalsPlane(
        devices=ground.stores.devices,
        frames=ground.stores.vital_frames,
        bus=ground.bus,
        audit=ground.audit,
        wire=VitalsJson(),
        clock=ground.clock,
    )


@asynccontextmanager
async def _deliveries(vitals: VitalsPlane, clock: Clock) -> AsyncIterator[Deliveries]:
    deliveries, tasks = Deliveries(vitals, clock), Tasks()
    tasks.start(deliveries.sweep(), "idle deliveries")
    try:
        yield deliveries
    finally:
        await tasks.aclose()
        await deliveries.aclose()


def _bedside(ground: Ground, deliveries: Deliveries) -> BedsideReadings:
    return BedsideReadings(devices=ground.stores.devices, deliveries=deliveries, audit=ground.audit, clock=ground.clock)


def _album(ground: Ground) -> Album:
    return Album(
        documents=ground.stores.documents,
        encounters=ground.stores.encounters,
        bus=ground.bus,
        audit=ground.audit,
        clock=ground.clock,
        new_id=ground.new_id,
    )


@dataclass(frozen=True, slots=True)
class WaysIn:
    """The ways by which vitals come, all into one plane."""

    vitals: VitalsPlane
    deliveries: Deliveries
    reports: Reports
    mllp_port: int


@asynccontextmanager
async def _ways_in(settings: Settings, ground: Ground, metrics: Metrics, watch: AlarmWatch) -> AsyncIterator[WaysIn]:
    vitals = _vitals(ground)
    vitals.observed_by(watch)
    reports = Reports(vitals, _report_ports(ground), watch)
    async with AsyncExitStack() as stack:
        deliveries = await stack.enter_async_context(_deliveries(vitals, ground.clock))
        stack.push_async_callback(reports.aclose)
        inbox = InboxPorts(reports, ground.stores.device_aliases, metrics, ground.clock, ground.new_id)
        mllp_port = await stack.enter_async_context(mllp_door(settings, inbox, ground.bus))
        published = MqttPorts(deliveries, reports, metrics, ground.clock)
        await stack.enter_async_context(mqtt_door(settings, published))
        yield WaysIn(vitals, deliveries, reports, mllp_port)


def _report_ports(ground: Ground) -> ReportPorts:
    stores = ground.stores
    return ReportPorts(stores.devices, stores.vital_frames, ground.audit, VitalsJson(), ground.clock)


def _aliases(ground: Ground) -> AliasRegistry:
    return AliasRegistry(aliases=ground.stores.device_aliases, devices=ground.stores.devices, audit=ground.audit)


def _history(ground: Ground) -> VitalsHistory:
    return VitalsHistory(frames=ground.stores.vital_frames, audit=ground.audit, wire=VitalsJson(), decode=decode_frame)


@dataclass(frozen=True, slots=True)
class Carried:
    """What carries sound and pictures, and what keeps them."""

    media: Carrier
    recorder: RoomRecorder
    files: SealedFiles


@asynccontextmanager
async def _carried(settings: Settings, ground: Ground, metrics: Metrics, carry: Carry) -> AsyncIterator[Carried]:
    files = recording_files(settings, ground)
    told = MediaSettings(settings.media_host, settings.media_port, settings.advertised)
    async with carry(ProcessSettings(told, settings.log_level, settings.log_format)) as media:
        metrics.follow(lambda: media_figures(media.statistics(), media.restarts))
        recorder = RoomRecorder(media, ground.stores.recordings, files, ground.clock, ground.new_id)
        async with aclosing(recorder):
            yield Carried(media, recorder, files)


def media_figures(media: MediaStatistics, restarts: int) -> list[Figure]:
    """Return what the media plane counts, for the metrics."""
    return [
        Figure("telehealth_media_restarts", "Media processes started anew.", restarts, total=True),
        Figure("telehealth_media_transports", "Media transports.", media.transports),
        Figure("telehealth_media_rooms", "Rooms with media.", media.rooms),
        Figure("telehealth_media_participants", "Participants with media.", media.participants),
        Figure("telehealth_media_tasks", "Tasks of the media process.", media.tasks),
        Figure("telehealth_media_packets_in", "Media packets received.", media.packets_in, total=True),
        Figure("telehealth_media_packets_out", "Media packets sent.", media.packets_out, total=True),
        Figure("telehealth_media_bytes_in", "Bytes of media received.", media.bytes_in, total=True),
        Figure("telehealth_media_bytes_out", "Bytes of media sent.", media.bytes_out, total=True),
        Figure("telehealth_media_resent", "Media packets sent again.", media.resent, total=True),
        Figure("telehealth_media_keyframe_requests", "Keyframes asked for.", media.keyframe_requests, total=True),
        *(
            Figure(f"telehealth_media_dropped_{reason}", "Datagrams dropped.", number, total=True)
            for reason, number in sorted(media.dropped.items())
        ),
    ]


def _room_host(settings: Settings, ground: Ground, carried: Carried) -> RoomHost:
    ports = RoomPorts(
        encounters=ground.stores.encounters,
        patients=ground.stores.patients,
        media=carried.media,
        recorder=carried.recorder,
        bus=ground.bus,
        audit=ground.audit,
        clock=ground.clock,
        new_id=ground.new_id,
    )
    ice_servers = turn_servers(settings, ground.clock)
    return RoomHost(ports, ice_servers=ice_servers, limits=RoomLimits(rooms=settings.rooms_limit))


def _path_check(settings: Settings, ground: Ground, carried: Carried) -> PathCheck:
    ice_servers = turn_servers(settings, ground.clock)
    return PathCheck(ground.stores.encounters, carried.media, ice_servers, ground.new_id)


def turn_servers(settings: Settings, clock: Clock) -> Callable[[ParticipantId], Sequence[IceServer]]:
    """Return what gives each participant their own credential, good for ten minutes (the TURN REST API of coturn)."""
    secret = settings.turn_secret.get_secret_value().encode()

    def servers(participant: ParticipantId) -> Sequence[IceServer]:
        if not settings.turn_url:
            return ()
        username = f"{int(clock.now().timestamp()) + TURN_SECONDS}:{participant}"
        credential = base64.b64encode(hmac.digest(secret, username.encode(), "sha1")).decode()
        return (IceServer(urls=settings.turn_url, username=username, credential=credential),)

    return servers
