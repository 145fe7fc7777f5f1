"""Files that are too large for the database, sealed in pieces (AES-256-GCM, storage.cipher).

A file is a row of pieces: length (4 bytes, big-endian) | sealed value. A piece is bound to the file and to its place
in it, so pieces can't be swapped, repeated or taken from another file. The number of pieces is kept by whoever keeps
the file's name: that the end is missing is found by it.
"""

import asyncio
import logging
import os
import queue
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from telehealth.errors import NotFound, Unavailable
from telehealth.storage.cipher import FieldCipher, Undecipherable

logger = logging.getLogger(__name__)

PIECE = 64 * 1024
"""Bytes of a piece before it is sealed."""
MAX_WAITING = 128
"""Writes that may wait for the disk."""
LEAST_FREE = 256 * 1024 * 1024
"""Bytes that must stay free on the disk: the database needs room, too."""
_SEALED_MOST = PIECE + 256
_FREE_EVERY = 16


class SealedFile:
    """A file being written by a thread of its own. Nothing of it is on the disk in the clear."""

    def __init__(self, path: Path, cipher: FieldCipher, name: str, *, least_free: int = LEAST_FREE) -> None:
        self.pieces = 0
        self.failed = False
        self._path = path
        self._cipher = cipher
        self._name = name
        self._least_free = least_free
        self._queue: queue.Queue[bytes | None] = queue.Queue(MAX_WAITING)
        self._pending = bytearray()
        self._thread = threading.Thread(target=self._run, name="sealed-file", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> bool:
        """Take data without waiting; False if it can't be kept (the disk is full, or too slow), now and from then."""
        if not self.failed:
            try:
                self._queue.put_nowait(data)
            except queue.Full:
                self.failed = True
        return not self.failed

    async def aclose(self) -> int:
        """Write what waits, and return how many pieces there are."""
        await asyncio.to_thread(self._finish)
        return self.pieces

    def _finish(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                self._copy(file)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self.failed = True
            logger.warning("a sealed file could not be written: %s", error.strerror)
            # Whoever closes it must find room in the queue.
            while self._queue.get() is not None:
                pass

    def _copy(self, file: BinaryIO) -> None:
        while (data := self._queue.get()) is not None:
            self._pending += data
            while len(self._pending) >= PIECE:
                self._put(file, bytes(self._pending[:PIECE]))
                del self._pending[:PIECE]
        if self._pending:
            self._put(file, bytes(self._pending))

    def _put(self, file: BinaryIO, piece: bytes) -> None:
        if self.pieces % _FREE_EVERY == 0:
            disk = os.statvfs(self._path)
            if disk.f_bavail * disk.f_frsize < self._least_free:
                raise OSError(28, "too little is free")
        sealed = self._cipher.seal(piece, scope=f"files|{self._name}", place=f"{self._name}|{self.pieces}")
        file.write(len(sealed).to_bytes(4, "big") + sealed)
        self.pieces += 1


class SealedFiles:
    """The sealed files in one directory."""

    def __init__(self, directory: Path, cipher: FieldCipher, *, least_free: int = LEAST_FREE) -> None:
        self._directory = directory
        self._cipher = cipher
        self._least_free = least_free

    def create(self, name: str) -> SealedFile:
        """Begin a file under a name that is a fresh id."""
        return SealedFile(self._path(name), self._cipher, name, least_free=self._least_free)

    async def remove(self, name: str) -> None:
        """Delete the file; no effect if there is none. Unavailable if it can't be."""
        try:
            await asyncio.to_thread(self._path(name).unlink, missing_ok=True)
        except OSError:
            raise Unavailable("A stored file can't be deleted now.") from None

    async def read(self, name: str, pieces: int | None) -> AsyncIterator[bytes]:
        """Give the pieces in order; with their number, Undecipherable if there are fewer.

        Raises:
            NotFound: There is no such file.
            Undecipherable: It is damaged, or was put together from others.
        """
        try:
            file = await asyncio.to_thread(self._path(name).open, "rb")
        except FileNotFoundError:
            raise NotFound("There is no such thing, or it is not yours.") from None
        except OSError:
            raise Unavailable("The recording can't be read now.") from None
        with file:
            number = 0
            while (piece := await asyncio.to_thread(self._piece, file, name, number)) is not None:
                number += 1
                yield piece
        if pieces is not None and number != pieces:
            raise Undecipherable("A stored file is cut short.")

    def _piece(self, file: BinaryIO, name: str, number: int) -> bytes | None:
        head = file.read(4)
        length = int.from_bytes(head, "big")
        sealed = file.read(length) if 0 < length <= _SEALED_MOST else b""
        if len(head) < 4 or len(sealed) < length or not sealed:
            # The end, or where writing was interrupted.
            return None
        return self._cipher.open(sealed, scope=f"files|{name}", place=f"{name}|{number}")

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.sealed"
