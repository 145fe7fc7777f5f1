"""The MLLP server as the settings want it: open from the start of the application to its end, or not at all."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from telehealth.accounts.revocations import Revocations
from telehealth.bus import Bus
from telehealth.config import Settings
from telehealth.errors import Unavailable
from telehealth.ingest.hl7_inbox import Hl7Inbox, InboxPorts
from telehealth.ingest.mllp import MllpOptions, MllpServer
from telehealth.interop.hl7.acks import AckStyle
from telehealth.interop.hl7.rows import Reading


@asynccontextmanager
async def mllp_door(settings: Settings, ports: InboxPorts, bus: Bus) -> AsyncIterator[int]:
    """Yield the port on which MLLP is taken, 0 for none. Connections of devices that the bus calls revoked end."""
    if not settings.mllp_listens:
        yield 0
        return
    reading = Reading(accept_x=settings.mllp_accept_x, debug_is_test=settings.mllp_debug_is_test)
    inbox = Hl7Inbox(ports, reading, AckStyle(settings.mllp_ack_style))
    options = MllpOptions(settings.mllp_host, settings.mllp_port, settings.mllp_allow, mllp_tls(settings))
    server = MllpServer(options, inbox, ports.reports, ports.metrics)
    revocations = Revocations(bus, server.revoked)
    await revocations.start()
    await server.start()
    try:
        yield server.port
    finally:
        await revocations.aclose()
        await server.aclose()


def mllp_tls(settings: Settings) -> ssl.SSLContext | None:
    """Return how MLLP is encrypted, None if it isn't; Unavailable if a file can't be read."""
    if settings.mllp_tls_certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.mllp_tls_certificate, settings.mllp_tls_key)
        if settings.mllp_client_ca is not None:
            context.load_verify_locations(settings.mllp_client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as failure:
        raise Unavailable(f"MLLP's certificate can't be used: {failure.strerror or failure}.", code="bad_tls") from None
    return context
