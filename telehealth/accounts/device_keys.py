"""What medical devices prove themselves with: `<device id>.<secret>`, one secret per device, changed with overlap."""

import hmac
import secrets
from datetime import datetime, timedelta

from telehealth.access import Action, Principal, Role, require_role
from telehealth.accounts.model import DeviceCredential, EnrolmentCode
from telehealth.accounts.ports import AccountPorts
from telehealth.accounts.secrets import TOKEN_BYTES, digest, new_secret, presentable
from telehealth.audit import AuditEvent, event_by
from telehealth.bus import REVOCATIONS, Event
from telehealth.errors import Gone, Unauthenticated
from telehealth.ids import DeviceId

CODE_LASTS = timedelta(minutes=15)
CODE_CHARS = 8
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Those of Crockford's base 32: 8 of them are 40 bits, and none is mistaken for another."""

_MISREAD = str.maketrans({"I": "1", "L": "1", "O": "0", "U": "V", " ": "", "-": ""})

OVERLAP = timedelta(minutes=10)
"""How long the old credential holds after a rotation."""


class DeviceKeys:
    """Issues, rotates, revokes and checks credentials of devices. `by` is who asks; None is the server itself."""

    def __init__(self, ports: AccountPorts) -> None:
        self._ports = ports

    async def issue(self, device: DeviceId, *, by: Principal | None = None) -> str:
        """Return a new credential of the device."""
        await self._note(by, "device_credential.issued", device)
        return (await self._add(device))[0]

    async def rotate(self, device: DeviceId, *, by: Principal | None = None) -> str:
        """Return a new credential; the others hold for OVERLAP more."""
        await self._note(by, "device_credential.rotated", device)
        credential, kept = await self._add(device)
        end = self._ports.clock.now() + OVERLAP
        await self._ports.device_credentials.expire_others(device, keep=kept, at=end)
        return credential

    async def issue_code(self, device: DeviceId, *, by: Principal) -> tuple[str, datetime]:
        """Return a code that a device can exchange once for its credential, and until when; an earlier one is void."""
        require_role(by, Action.ENROL_DEVICE)
        await self._ports.audit.record(event_by(by, "device.enrolment_opened", f"device/{device}"))
        code = "".join(secrets.choice(_ALPHABET) for _ in range(CODE_CHARS))
        now = self._ports.clock.now()
        ends = now + CODE_LASTS
        await self._ports.enrolment_codes.add(EnrolmentCode(digest(code), device, now, ends))
        return code, ends

    async def enrol(self, code: str) -> tuple[DeviceId, str]:
        """Return whose code it is and a new credential; earlier ones hold for OVERLAP more.

        The caller limits how often somebody may try.

        Raises:
            Gone: `code_invalid`: there is no such code, it was used, or its time is over.
        """
        read = code.upper().translate(_MISREAD)
        now = self._ports.clock.now()
        device = await self._ports.enrolment_codes.use(digest(read), now) if len(read) == CODE_CHARS else None
        if device is None:
            raise Gone("This code is not good, or not any more. Ask for a new one.", code="code_invalid")
        event = AuditEvent("device.enrolled", device, Role.DEVICE.value, f"device/{device}")
        await self._ports.audit.record(event)
        return device, await self.rotate(device)

    async def revoke(self, device: DeviceId, *, by: Principal | None = None) -> None:
        """End all credentials of the device, and its open sockets."""
        await self._note(by, "device_credential.revoked", device)
        await self._ports.device_credentials.revoke(device, self._ports.clock.now())
        await self._ports.bus.publish(REVOCATIONS, Event("revoked", device.encode()))

    async def principal(self, credential: str) -> Principal:
        """Return the device that the credential belongs to; Unauthenticated."""
        device, _, secret = credential.partition(".")
        if presentable(device) and presentable(secret):
            presented, now = digest(secret), self._ports.clock.now()
            for stored in await self._ports.device_credentials.of_device(DeviceId(device)):
                in_force = stored.revoked_at is None and (stored.expires_at is None or now < stored.expires_at)
                if in_force and hmac.compare_digest(stored.secret_hash, presented):
                    return Principal(subject=device, role=Role.DEVICE)
        raise Unauthenticated("This device is not known, or its credential has ended.")

    async def _add(self, device: DeviceId) -> tuple[str, bytes]:
        secret = new_secret(TOKEN_BYTES)
        stored = digest(secret)
        credential = DeviceCredential(device_id=device, secret_hash=stored, created_at=self._ports.clock.now())
        await self._ports.device_credentials.add(credential)
        return f"{device}.{secret}", stored

    async def _note(self, by: Principal | None, action: str, device: DeviceId) -> None:
        if by is not None:
            require_role(by, Action.MANAGE_DEVICES)
            await self._ports.audit.record(event_by(by, action, f"device/{device}"))
