"""What medical devices prove themselves with: `<device id>.<secret>`, one secret per device, changed with overlap."""

import hmac
from datetime import timedelta

from telehealth.access import Action, Principal, Role, require_role
from telehealth.accounts.model import DeviceCredential
from telehealth.accounts.ports import AccountPorts
from telehealth.accounts.secrets import TOKEN_BYTES, digest, new_secret, presentable
from telehealth.audit import event_by
from telehealth.bus import REVOCATIONS, Event
from telehealth.errors import Unauthenticated
from telehealth.ids import DeviceId

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
