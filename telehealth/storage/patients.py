"""Stored patients; name and date of birth are sealed."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, select

from telehealth.consultations.model import Patient
from telehealth.errors import NotFound
from telehealth.ids import PatientId, UserId
from telehealth.storage.cipher import FieldCipher
from telehealth.storage.database import Database
from telehealth.storage.tables import patients

_TABLE = "patients"


class SqlPatients:
    """Implements consultations.ports.Patients."""

    def __init__(self, database: Database, cipher: FieldCipher) -> None:
        self._database = database
        self._cipher = cipher

    async def add(self, patient: Patient) -> None:
        async with self._database.write() as connection:
            await connection.execute(insert(patients).values(**patient_values(patient, self._cipher)))

    async def get(self, patient: PatientId) -> Patient:
        async with self._database.read() as connection:
            row = (await connection.execute(select(patients).where(patients.c.id == patient))).one_or_none()
        if row is None:
            raise NotFound("There is no such patient.")
        return self._patient(row)

    async def of_user(self, user: UserId) -> Patient | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(patients).where(patients.c.user_id == user))).one_or_none()
        return None if row is None else self._patient(row)

    async def all(self, limit: int) -> Sequence[Patient]:
        async with self._database.read() as connection:
            rows = (await connection.execute(select(patients).order_by(patients.c.id).limit(limit))).all()
        return sorted((self._patient(row) for row in rows), key=lambda patient: (patient.name.casefold(), patient.id))

    def _patient(self, row: Row[Any]) -> Patient:
        return Patient(
            id=PatientId(row.id),
            name=self._cipher.column(_TABLE, "name").open(row.id, row.name),
            user_id=None if row.user_id is None else UserId(row.user_id),
            birth_date=self._cipher.column(_TABLE, "birth_date").open(row.id, row.birth_date),
            identified=row.identified,
        )


def patient_values(patient: Patient, cipher: FieldCipher) -> dict[str, Any]:
    """Return the patient as a row."""
    return {
        "id": patient.id,
        "name": cipher.column(_TABLE, "name").seal(patient.id, patient.name),
        "user_id": patient.user_id,
        "birth_date": cipher.column(_TABLE, "birth_date").seal(patient.id, patient.birth_date),
        "identified": patient.identified,
    }
