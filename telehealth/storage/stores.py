"""All repositories in one place; here mypy proves that each fits its port."""

from dataclasses import dataclass

from telehealth.accounts.ports import DeviceCredentials, EnrolmentCodes, Invitations, RefreshTokens, SigningKeys, Users
from telehealth.clock import Clock, SystemClock
from telehealth.consultations.documents import Documents
from telehealth.consultations.ports import Encounters, Patients
from telehealth.consultations.recordings import Recordings
from telehealth.dispatch.ports import Cases
from telehealth.scheduling.ports import Appointments, Schedules
from telehealth.storage.appointments import SqlAppointments
from telehealth.storage.cases import SqlCases
from telehealth.storage.cipher import FieldCipher
from telehealth.storage.database import Database
from telehealth.storage.device_aliases import SqlDeviceAliases
from telehealth.storage.device_credentials import SqlDeviceCredentials
from telehealth.storage.devices import SqlDevices
from telehealth.storage.documents import SqlDocuments
from telehealth.storage.encounters import SqlEncounters
from telehealth.storage.enrolment_codes import SqlEnrolmentCodes
from telehealth.storage.invitations import SqlInvitations
from telehealth.storage.keys import SqlSigningKeys
from telehealth.storage.patients import SqlPatients
from telehealth.storage.recordings import SqlRecordings
from telehealth.storage.refresh_tokens import SqlRefreshTokens
from telehealth.storage.schedules import SqlSchedules
from telehealth.storage.users import SqlUsers
from telehealth.storage.vital_frames import SqlVitalFrames
from telehealth.storage.watch_records import SqlWatchRecords
from telehealth.vitals.aliases import DeviceAliases
from telehealth.vitals.ports import Devices, VitalFrames
from telehealth.vitals.watch_ports import WatchRecords


@dataclass(frozen=True, slots=True)
class Stores:
    """The repositories of one database."""

    users: Users
    keys: SigningKeys
    refresh_tokens: RefreshTokens
    invitations: Invitations
    device_credentials: DeviceCredentials
    enrolment_codes: EnrolmentCodes
    patients: Patients
    encounters: Encounters
    schedules: Schedules
    appointments: Appointments
    cases: Cases
    devices: Devices
    device_aliases: DeviceAliases
    documents: Documents
    recordings: Recordings
    vital_frames: VitalFrames
    watch_records: WatchRecords


def open_stores(database: Database, cipher: FieldCipher, clock: Clock | None = None) -> Stores:
    """Return the repositories of the database."""
    return Stores(
        users=SqlUsers(database, cipher),
        keys=SqlSigningKeys(database, cipher),
        refresh_tokens=SqlRefreshTokens(database),
        invitations=SqlInvitations(database, cipher),
        device_credentials=SqlDeviceCredentials(database),
        enrolment_codes=SqlEnrolmentCodes(database),
        patients=SqlPatients(database, cipher),
        encounters=SqlEncounters(database, cipher),
        schedules=SqlSchedules(database),
        appointments=SqlAppointments(database, cipher, clock or SystemClock()),
        cases=SqlCases(database, cipher),
        devices=SqlDevices(database),
        device_aliases=SqlDeviceAliases(database),
        documents=SqlDocuments(database, cipher),
        recordings=SqlRecordings(database),
        vital_frames=SqlVitalFrames(database, cipher),
        watch_records=SqlWatchRecords(database, cipher),
    )
