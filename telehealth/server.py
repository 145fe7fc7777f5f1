"""A running server: listens, says where, and stops in order when asked."""

import asyncio
import datetime as dt
import ipaddress
import logging
import signal
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from telehealth.app import build
from telehealth.clock import SystemClock
from telehealth.config import Settings
from telehealth.errors import Unavailable
from telehealth.runtime import spare_the_collector
from telehealth.web.services import SERVICES, Services

logger = logging.getLogger(__name__)

STOP_WITHIN_S = 8.0
"""How long open requests and sockets may take to end."""
IDLE_S = 10.0
"""A client that sends nothing, half a header or a byte now and then is cut off after this long."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that accepts connections."""

    base_url: str
    services: Services


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Running]:
    """Start the server; stop it on leaving: no new connections, sockets told to come back, everything closed."""
    runner = web.AppRunner(
        build(settings),
        access_log=None,
        handle_signals=False,
        keepalive_timeout=IDLE_S,
        shutdown_timeout=STOP_WITHIN_S,
    )
    await runner.setup()
    try:
        with _tls(settings) as context:
            site = web.TCPSite(runner, settings.http_host, settings.http_port, ssl_context=context)
            try:
                await site.start()
            except OSError as failure:
                address = f"{settings.http_host}:{settings.http_port}"
                raise Unavailable(f"Can't listen on {address}: {failure.strerror}.", code="address_in_use") from None
        port = int(runner.addresses[0][1])
        base_url = settings.model_copy(update={"http_port": port}).base_url
        logger.info("listening at %s", base_url)
        yield Running(base_url, runner.app[SERVICES])
        logger.info("stopping")
    finally:
        await runner.cleanup()


async def serve(settings: Settings) -> None:
    """Run until SIGINT or SIGTERM."""
    stop = stop_signal()
    async with running(settings):
        spare_the_collector()
        await stop.wait()


def stop_signal() -> asyncio.Event:
    """Return an event that SIGINT or SIGTERM sets, instead of what they do otherwise."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


@contextmanager
def _tls(settings: Settings) -> Iterator[ssl.SSLContext | None]:
    if not settings.tls:
        yield None
        return
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    if settings.tls_certificate and settings.tls_key:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
        yield context
        return
    # The ssl module reads keys from files only: this one lives as long as it takes to read it.
    with tempfile.TemporaryDirectory() as folder:
        certificate = Path(folder) / "certificate.pem"
        certificate.touch(mode=0o600)
        certificate.write_bytes(self_signed(settings.http_host))
        context.load_cert_chain(certificate)
        yield context


def self_signed(host: str) -> bytes:
    """Return a fresh key and a certificate for this address and localhost, PEM, good for 30 days."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "telehealth")])
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    names.append(x509.IPAddress(ipaddress.ip_address(host)))
    now = SystemClock().now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + certificate.public_bytes(pem)
