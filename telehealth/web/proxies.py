"""Where a request comes from: the peer itself, or what a trusted reverse proxy says (X-Forwarded-For, -Proto)."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import web

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asked, and by which scheme."""

    address: str
    scheme: str


class Proxies:
    """Believes the headers of proxies in these networks, and of nobody else."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks: tuple[IPv4Network | IPv6Network, ...] = tuple(ip_network(each) for each in networks)

    def origin(self, request: web.Request) -> Origin:
        """Return the first address, from us outwards, that is no trusted proxy, and the scheme the browser used."""
        peer = request.transport.get_extra_info("peername") if request.transport else None
        address = str(peer[0]) if isinstance(peer, tuple) else "unknown"
        scheme = "https" if request.transport and request.transport.get_extra_info("sslcontext") else "http"
        if not self._trusts(address):
            return Origin(address, scheme)
        forwarded = request.headers.getall("X-Forwarded-Proto", [])
        if len(forwarded) == 1 and forwarded[0] in ("http", "https"):
            scheme = forwarded[0]
        return Origin(self._client(request, address), scheme)

    def _client(self, request: web.Request, peer: str) -> str:
        chain = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
        client = peer
        for hop in reversed([part.strip() for part in chain[-20:] if part.strip()]):
            parsed = _parse(hop)
            if parsed is None:
                break
            client = str(parsed)
            if not self._trusts(client):
                break
        return client

    def _trusts(self, address: str) -> bool:
        parsed = _parse(address)
        return parsed is not None and any(parsed in network for network in self._networks)


def _parse(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
