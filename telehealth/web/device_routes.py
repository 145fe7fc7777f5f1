"""The rows of the route table that concern devices: their registry, and what they send over HTTP."""

from telehealth.access import Action
from telehealth.interop.parcels import Parcel
from telehealth.web.api import devices, observations
from telehealth.web.fhir import observations as fhir
from telehealth.web.route import Open, Route

A = Action
_V1 = "/api/v1"

_REGISTRY = (
    Route("GET", f"{_V1}/devices", devices.list_devices, A.LIST_DEVICES, "List devices.", answers=devices.Devices),
    Route(
        "POST",
        f"{_V1}/devices",
        devices.register_device,
        A.MANAGE_DEVICES,
        "Register a device; its credential is shown once.",
        body=devices.DeviceToAdd,
        answers=devices.DeviceShown,
        status=201,
    ),
    Route(
        "POST",
        f"{_V1}/devices/{{device}}/rotate",
        devices.rotate_credential,
        A.MANAGE_DEVICES,
        "Make a new credential; the old one holds for 10 more minutes.",
        answers=devices.Credential,
    ),
    Route(
        "POST",
        f"{_V1}/devices/{{device}}/revoke",
        devices.revoke_device,
        A.MANAGE_DEVICES,
        "Take a device out of service.",
        status=204,
    ),
    Route(
        "PUT",
        f"{_V1}/devices/{{device}}/association",
        devices.associate_device,
        A.ASSOCIATE_DEVICE,
        "Say whom a device measures.",
        body=devices.Association,
        answers=devices.DeviceShown,
    ),
    Route(
        "GET",
        f"{_V1}/devices/{{device}}/aliases",
        devices.list_aliases,
        A.LIST_DEVICES,
        "List the names by which other systems know a device.",
        answers=devices.AliasesShown,
    ),
    Route(
        "PUT",
        f"{_V1}/devices/{{device}}/aliases",
        devices.put_aliases,
        A.MANAGE_DEVICES,
        "Say by which names other systems know a device; 409 `alias_taken`.",
        body=devices.Aliases,
        answers=devices.AliasesShown,
    ),
    Route(
        "POST",
        f"{_V1}/devices/{{device}}/enrolment",
        devices.open_enrolment,
        A.ENROL_DEVICE,
        "Make a code of 8 characters by which a device gets its credential, once, within 15 minutes.",
        answers=devices.EnrolmentCodeShown,
        status=201,
    ),
    Route(
        "POST",
        f"{_V1}/devices/enrol",
        devices.enrol_device,
        Open.PUBLIC,
        "Exchange a code for the device's credential; 410 `code_invalid`.",
        body=devices.EnrolmentWanted,
        answers=devices.Enrolled,
    ),
    Route(
        "POST",
        f"{_V1}/observations",
        observations.send_observations,
        A.SEND_VITALS,
        "Send numerics and waves in a parcel, with a device's credential; each message is stored once.",
        body=Parcel,
        answers=observations.ParcelTaken,
    ),
)

_FHIR = (
    Route(
        "POST",
        "/fhir/Observation",
        fhir.post_observation,
        A.SEND_VITALS,
        "Send an Observation (FHIR R4) with a device's credential; refusals are OperationOutcomes.",
        content=fhir.CONTENT_TYPE,
        status=201,
    ),
    Route(
        "POST",
        "/fhir",
        fhir.post_bundle,
        A.SEND_VITALS,
        "Send a Bundle (FHIR R4) with a device's credential: transaction, batch or collection.",
        content=fhir.CONTENT_TYPE,
    ),
)

DEVICE_ROUTES: tuple[Route, ...] = (*_REGISTRY, *_FHIR)
