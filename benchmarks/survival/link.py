"""A line between gateway and server that can be cut, and that can lose what comes back."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress


class Link:
    """Passes bytes on. One listening address, one server behind it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._up = True
        self._deaf = False
        self.url = ""

    async def cut(self, seconds: float, *, deaf_s: float = 0.0) -> None:
        """Break all connections and let none come for a while; before, let no answers through for `deaf_s`."""
        self._deaf = True
        await asyncio.sleep(deaf_s)
        self._up = False
        for writer in tuple(self._writers):
            writer.transport.abort()
        await asyncio.sleep(seconds)
        self._up, self._deaf = True, False

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self._writers.add(writer)
        try:
            if self._up:
                await self._pass_on(reader, writer)
        except OSError:
            pass
        finally:
            writer.transport.abort()
            self._writers.discard(writer)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers.add(far_writer)
        try:
            async with asyncio.TaskGroup() as tasks:
                there = tasks.create_task(self._copy(reader, far_writer, back=False))
                back = tasks.create_task(self._copy(far_reader, writer, back=True))
                await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
                there.cancel()
                back.cancel()
        finally:
            self._writers.discard(far_writer)
            far_writer.transport.abort()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, back: bool) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                if back and self._deaf:
                    continue
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def link_to(port: int) -> AsyncGenerator[Link]:
    """Open a link to the port on this machine."""
    link = Link(port)
    server = await asyncio.start_server(link.accept, "127.0.0.1", 0)
    link.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield link
    finally:
        server.close()
        await link.cut(0.0)
