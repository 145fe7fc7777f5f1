"""The child process that carries one room the documented way: aiortc decodes, relays, and encodes for each viewer."""

import sys

import aioice.ice
import uvloop
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay

from benchmarks.media.processes import commands, say


async def serve(host: str) -> None:
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [host]
    relay = MediaRelay()
    seats: dict[str, RTCPeerConnection] = {}
    async for command in commands():
        name = command["name"]
        if command["do"] == "offer":
            connection = RTCPeerConnection(RTCConfiguration(bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
            seats[name] = connection
            await connection.setRemoteDescription(RTCSessionDescription(command["sdp"], "offer"))
            say()
            continue
        connection = seats[name]
        for other, theirs in seats.items():
            if other != name:
                for line in theirs.getTransceivers():
                    connection.addTrack(relay.subscribe(line.receiver.track))
        await connection.setLocalDescription(await connection.createAnswer())
        say(sdp=connection.localDescription.sdp)
    for connection in seats.values():
        await connection.close()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
