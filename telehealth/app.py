"""The composition root: the one module that knows every edge, and the order in which they open and close."""

import asyncio
import base64
import hmac
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, replace

from aiohttp import web
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from telehealth.access import Role
from telehealth.accounts.model import NewUser
from telehealth.accounts.passwords import Argon2Hasher
from telehealth.accounts.ports import AccountPorts, PasswordHasher
from telehealth.accounts.service import Accounts
from telehealth.audit import AuditEvent
from telehealth.bus import Bus
from telehealth.clock import Clock, SystemClock
from telehealth.cluster.local_bus import LocalBus
from telehealth.cluster.redis_bus import RedisBus
from telehealth.config import Settings, key_bytes
from telehealth.consultations.bedsides import EncounterBedsides
from telehealth.consultations.carrying_out import RoomPorts
from telehealth.consultations.host import RoomHost, RoomLimits
from telehealth.consultations.messages import IceServer
from telehealth.consultations.model import Admission, Encounter, Participant, Patient
from telehealth.consultations.ports import MediaPlane
from telehealth.consultations.recordings import NoRecorder, Recorder
from telehealth.consultations.service import ConsultationPorts, Consultations
from telehealth.consultations.tasks import Tasks
from telehealth.dispatch.ports import DispatchPorts
from telehealth.dispatch.service import Dispatch
from telehealth.dispatch.worklist import Worklists
from telehealth.errors import TelehealthError, Unavailable
from telehealth.ids import NewId, ParticipantId, PatientId, random_id
from telehealth.ingest.hl7_inbox import InboxPorts
from telehealth.ingest.mllp_door import mllp_door
from telehealth.ingest.mqtt_door import mqtt_door
from telehealth.ingest.mqtt_inbox import MqttPorts
from telehealth.interop.alarm_messages import AlarmsJson
from telehealth.interop.vital_frames import decode_frame
from telehealth.interop.watch_messages import VitalsJson
from telehealth.metrics import Figure, Metrics
from telehealth.scheduling.service import Scheduling
from telehealth.sfu.counters import MediaStatistics
from telehealth.sfu.plane import ForwardingPlane, MediaSettings
from telehealth.sfu.recorder import RoomRecorder
from telehealth.storage.audit_trail import AnchorFile, ChainResult, SqlAuditTrail
from telehealth.storage.cipher import FieldCipher
from telehealth.storage.database import Database
from telehealth.storage.encounters import SqlEncounters
from telehealth.storage.schema import is_current
from telehealth.storage.schema import migrate as migrate_schema
from telehealth.storage.sealed_files import SealedFiles
from telehealth.storage.stores import Stores, open_stores
from telehealth.vitals.alarm_watch import AlarmWatch, WatchPorts
from telehealth.vitals.alarms import Alarms
from telehealth.vitals.aliases import AliasRegistry
from telehealth.vitals.bedside import BedsideReadings
from telehealth.vitals.deliveries import Deliveries
from telehealth.vitals.history import VitalsHistory
from telehealth.vitals.registry import DeviceRegistry
from telehealth.vitals.reports import ReportPorts, Reports
from telehealth.vitals.retention import Periods, Purged, Retention
from telehealth.vitals.service import VitalsPlane
from telehealth.web.album import Album
from telehealth.web.application import new_application
from telehealth.web.assets import Assets
from telehealth.web.audit_reader import AuditReader
from telehealth.web.front_desk import FrontDesk
from telehealth.web.health import Check, Health
from telehealth.web.proxies import Proxies
from telehealth.web.rate_limits import RateLimits
from telehealth.web.services import SERVICES, Services
from telehealth.web.sockets.open_sockets import OpenSockets

__all__ = ["SERVICES", "Services", "build"]

logger = logging.getLogger(__name__)

TURN_SECONDS = 600
_HASHING_THREADS = 2


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What tests put in the place of the real things (None). A database is open already, and closed with the rest."""

    database: Database | None = None
    clock: Clock | None = None
    new_id: NewId = random_id
    media: MediaPlane | None = None
    passwords: PasswordHasher | None = None


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
        ground = await _ground(settings, around, stack)
        accounts = Accounts(_account_ports(ground, around.passwords or _hasher(stack)), issuer=_issuer(settings))
        await accounts.ensure_key()
        devices = DeviceRegistry(
            devices=ground.stores.devices, audit=ground.audit, clock=ground.clock, new_id=ground.new_id
        )
        watch_ports = _watch_ports(ground)
        watch = AlarmWatch(watch_ports, demonstration=settings.demo)
        watch.start()
        stack.push_async_callback(watch.aclose)
        encounters = LettingGo(ground.database, ground.cipher, LetGo(devices, accounts, watch))
        ground = replace(ground, stores=replace(ground.stores, encounters=encounters))
        metrics = Metrics()
        carried = await stack.enter_async_context(_carried(settings, ground, metrics, around.media))
        rooms = _room_host(settings, ground, carried)
        stack.push_async_callback(rooms.aclose)
        sockets = OpenSockets(ground.bus, metrics, limit=settings.sockets_limit)
        await sockets.start()
        stack.push_async_callback(sockets.aclose)
        consultations = Consultations(_consultation_ports(ground), accounts=accounts)
        scheduling = _scheduling(ground)
        dispatch = _dispatch_ports(ground)
        await stack.enter_async_context(_purging(settings, ground))
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
            audit=AuditReader(ground.audit, settings.node),
            assets=assets,
            proxies=Proxies(settings.trusted_proxies),
            limits=RateLimits(metrics, ground.clock, logins_per_minute=settings.logins_per_minute),
            sockets=sockets,
            health=Health({"database": ground.database.check, "bus": ground.check_bus}),
            media_port=carried.port,
            mllp_port=ways.mllp_port,
        )
        logger.info("node %s stops", settings.node)


@dataclass(frozen=True, slots=True)
class Ground:
    """What everything else stands on."""

    database: Database
    cipher: FieldCipher
    stores: Stores
    audit: SqlAuditTrail
    bus: Bus
    check_bus: Check
    clock: Clock
    new_id: NewId


async def _ground(settings: Settings, around: Surroundings, stack: AsyncExitStack) -> Ground:
    clock = around.clock or SystemClock()
    database = await stack.enter_async_context(around.database or _database(settings))
    audit = _audit_trail(settings, database, clock)
    stack.push_async_callback(audit.aclose)
    bus: LocalBus | RedisBus
    if url := settings.redis_url.get_secret_value():
        bus = RedisBus(url)
        check: Check = bus.check
    else:
        bus, check = LocalBus(clock), _always
    stack.push_async_callback(bus.aclose)
    cipher = _cipher(settings)
    stores = open_stores(database, cipher, clock)
    return Ground(database, cipher, stores, audit, bus, check, clock, around.new_id)


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


async def _always() -> None:
    """The bus in this process answers as long as the process does."""


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator[Database]:
    url = settings.database
    if url.startswith("sqlite"):
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        await migrate_schema(url)
    async with Database.open(url) as database:
        # Several nodes share a PostgreSQL: its schema changes when somebody says so, not when the first one starts.
        if not await is_current(database):
            raise Unavailable("The database has not the present schema: run `telehealth migrate`.", code="old_schema")
        async with database.tending_log():
            yield database


def _audit_trail(settings: Settings, database: Database, clock: Clock) -> SqlAuditTrail:
    anchor = AnchorFile(settings.audit_anchor) if settings.audit_anchor else None
    return SqlAuditTrail(database, clock, settings.node, _derived(_master(settings), "audit"), anchor=anchor)


def _master(settings: Settings) -> bytes:
    return key_bytes(settings.secret_key)


def _derived(master: bytes, purpose: str) -> bytes:
    """Return the key for one purpose (RFC 5869): nothing is encrypted or sealed under the master key itself."""
    return HKDF(SHA256(), 32, salt=None, info=f"telehealth {purpose}".encode()).derive(master)


def _cipher(settings: Settings) -> FieldCipher:
    masters = [_master(settings), *(key_bytes(key) for key in settings.previous_secret_keys)]
    keys = {_derived(master, "key id")[:6].hex(): _derived(master, "fields") for master in masters}
    return FieldCipher(keys, next(iter(keys)))


def _hasher(stack: AsyncExitStack) -> PasswordHasher:
    threads = ThreadPoolExecutor(_HASHING_THREADS, thread_name_prefix="passwords")
    stack.callback(threads.shutdown, wait=False, cancel_futures=True)
    return Argon2Hasher(threads)


def _issuer(settings: Settings) -> str:
    return settings.public_url or "telehealth"


def _account_ports(ground: Ground, passwords: PasswordHasher) -> AccountPorts:
    stores = ground.stores
    return AccountPorts(
        users=stores.users,
        keys=stores.keys,
        refresh_tokens=stores.refresh_tokens,
        invitations=stores.invitations,
        device_credentials=stores.device_credentials,
        enrolment_codes=stores.enrolment_codes,
        passwords=passwords,
        bus=ground.bus,
        audit=ground.audit,
        clock=ground.clock,
        new_id=ground.new_id,
    )


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
        mllp_port = await stack.enter_async_context(mllp_door(settings, inbox))
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


def _retention(settings: Settings, ground: Ground) -> Retention:
    periods = Periods(settings.retention_waves_days, settings.retention_numerics_days)
    return Retention(frames=ground.stores.vital_frames, audit=ground.audit, clock=ground.clock, periods=periods)


@asynccontextmanager
async def _purging(settings: Settings, ground: Ground) -> AsyncIterator[None]:
    retention = _retention(settings, ground)
    retention.start()
    try:
        yield
    finally:
        await retention.aclose()


@asynccontextmanager
async def _media(settings: Settings, clock: Clock) -> AsyncIterator[ForwardingPlane]:
    plane = ForwardingPlane(MediaSettings(settings.media_host, settings.media_port, settings.advertised), clock)
    await plane.start()
    try:
        yield plane
    finally:
        await plane.aclose()


@dataclass(frozen=True, slots=True)
class Carried:
    """What carries sound and pictures, and what keeps them; `port` is 0 for a plane that is not ours."""

    media: MediaPlane
    port: int
    recorder: Recorder
    files: SealedFiles


@asynccontextmanager
async def _carried(
    settings: Settings, ground: Ground, metrics: Metrics, media: MediaPlane | None
) -> AsyncIterator[Carried]:
    files = SealedFiles(settings.data_dir / "recordings", ground.cipher)
    if media is not None:
        yield Carried(media, 0, NoRecorder(), files)
        return
    async with _media(settings, ground.clock) as plane:
        metrics.follow(lambda: media_figures(plane.statistics()))
        recorder = RoomRecorder(plane, ground.stores.recordings, files, ground.clock, ground.new_id)
        async with aclosing(recorder):
            yield Carried(plane, plane.port, recorder, files)


def media_figures(media: MediaStatistics) -> list[Figure]:
    """Return what the media plane counts, for the metrics."""
    return [
        Figure("telehealth_media_transports", "Media transports.", media.transports),
        Figure("telehealth_media_rooms", "Rooms with media.", media.rooms),
        Figure("telehealth_media_participants", "Participants with media.", media.participants),
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


# For the command line


def migrate(settings: Settings) -> None:
    """Bring the database to the present schema."""
    if settings.database.startswith("sqlite"):
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    asyncio.run(migrate_schema(settings.database))


@asynccontextmanager
async def opened_stores(settings: Settings) -> AsyncIterator[Stores]:
    """Open the repositories alone."""
    async with AsyncExitStack() as stack:
        yield (await _ground(settings, Surroundings(), stack)).stores


async def purge(settings: Settings) -> Purged:
    """Delete what is older than the settings let it be."""
    async with AsyncExitStack() as stack:
        return await _retention(settings, await _ground(settings, Surroundings(), stack)).purge()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking the audit trail of one node gave."""

    result: ChainResult

    @property
    def intact(self) -> bool:
        return self.result.good

    def __str__(self) -> str:
        result = self.result
        if result.good:
            return f"{result.node}: {result.entries} entries, all in order"
        if result.broken_at is not None:
            return f"{result.node}: entry {result.broken_at} was changed, or one before it is missing"
        if result.missing_after is not None:
            return f"{result.node}: entries after {result.missing_after} are missing"
        return f"{result.node}: entries were rewritten"


async def verify_audit(settings: Settings) -> list[Verdict]:
    """Check the audit trail of every node."""
    async with _database(settings) as database:
        return [Verdict(result) for result in await _audit_trail(settings, database, SystemClock()).verify()]


async def add_user(settings: Settings, new: NewUser) -> None:
    """Add a user without anybody's permission: whoever runs commands on the server has the keys anyway."""
    async with AsyncExitStack() as stack:
        ground = await _ground(settings, Surroundings(), stack)
        accounts = Accounts(_account_ports(ground, _hasher(stack)), issuer=_issuer(settings))
        if new.role is Role.PATIENT:
            patient = Patient(PatientId(ground.new_id()), new.name)
            await ground.stores.patients.add(patient)
            new = replace(new, patient_id=patient.id)
        user = await accounts.add_user(new)
        await ground.audit.record(AuditEvent("user.created", "system", "system", f"user/{user.id}"))
