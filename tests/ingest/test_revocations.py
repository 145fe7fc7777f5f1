"""A way in that was deaf for a while lets nobody stay whose right may have ended."""

from tests.ingest.monitor import Monitor, Station
from tests.interop.hl7.wire import BPM, HR, message, row


async def test_after_a_gap_all_who_were_reported_of_must_connect_again(station: Station) -> None:
    await station.a_device()
    async with station.listening() as server:
        reporting, silent = await Monitor.connected(server.port), await Monitor.connected(server.port)
        assert "MSA|CA|42|" in await reporting.ask(message(row(HR, "75", BPM)))
        assert "MSA|AE||" in await silent.ask(b"x")
        server.revoked(None)
        assert await reporting.ended()
        assert "MSA|AE||" in await silent.ask(b"x")
        again = await Monitor.connected(server.port)
        assert "MSA|CA|42|" in await again.ask(message(row(HR, "76", BPM)))
        for monitor in (silent, again):
            await monitor.close()
    assert station.counted("socket_closes")["mllp/revoked"] == 1.0
