"""Files on the disk tell nothing, and what was changed does not open."""

import asyncio
import threading
from pathlib import Path

import pytest

from telehealth.errors import NotFound
from telehealth.storage import sealed_files
from telehealth.storage.cipher import FieldCipher, Undecipherable
from telehealth.storage.sealed_files import MAX_WAITING, PIECE, SealedFile, SealedFiles

SECRET = b"\x1a\x45\xdf\xa3 somebody's face "


def files(folder: Path) -> SealedFiles:
    return SealedFiles(folder, FieldCipher({"k": bytes(32)}, "k"), least_free=0)


async def read(kept: SealedFiles, name: str, pieces: int | None) -> bytes:
    return b"".join([piece async for piece in kept.read(name, pieces)])


async def written(kept: SealedFiles, name: str, data: bytes) -> int:
    file = kept.create(name)
    for start in range(0, len(data), 10_000):
        while not file._queue.empty():
            await asyncio.sleep(0)
        assert file.write(data[start : start + 10_000])
    return await file.aclose()


async def test_what_was_written_is_read_and_the_disk_has_none_of_it(tmp_path: Path) -> None:
    data = SECRET * 12_000
    pieces = await written(files(tmp_path), "a", data)
    assert pieces == -(-len(data) // PIECE)
    assert await read(files(tmp_path), "a", pieces) == data
    raw = (tmp_path / "a.sealed").read_bytes()
    assert SECRET not in raw
    assert b"\x1a\x45\xdf\xa3" not in raw


async def test_pieces_that_change_places_or_files_do_not_open(tmp_path: Path) -> None:
    kept = files(tmp_path)
    pieces = await written(kept, "a", bytes(2 * PIECE))
    raw = (tmp_path / "a.sealed").read_bytes()
    half = len(raw) // 2
    for changed in (raw[half:] + raw[:half], raw[:half] + raw[:half], raw[:half], raw[: half + 9]):
        (tmp_path / "a.sealed").write_bytes(changed)
        with pytest.raises(Undecipherable):
            await read(kept, "a", pieces)
    (tmp_path / "b.sealed").write_bytes(raw)
    with pytest.raises(Undecipherable):
        await read(kept, "b", pieces)


async def test_what_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    kept = files(tmp_path)
    await written(kept, "a", bytes(PIECE + 5))
    path = tmp_path / "a.sealed"
    path.write_bytes(path.read_bytes()[:-1])
    assert await read(kept, "a", None) == bytes(PIECE)


async def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await read(files(tmp_path), "a", None)


async def test_a_full_disk_is_told(tmp_path: Path) -> None:
    file = SealedFile(tmp_path / "a", FieldCipher({"k": bytes(32)}, "k"), "a", least_free=1 << 62)
    file.write(bytes(PIECE))
    assert await file.aclose() == 0
    assert file.failed
    assert not file.write(b"more")


async def test_a_disk_that_is_too_slow_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = threading.Event()
    slow = SealedFile._copy

    def waits(self: SealedFile, file: object) -> None:
        goes_on.wait()
        slow(self, file)  # type: ignore[arg-type]

    monkeypatch.setattr(sealed_files.SealedFile, "_copy", waits)
    file = files(tmp_path).create("a")
    taken = [file.write(b"x") for _ in range(MAX_WAITING + 1)]
    goes_on.set()
    assert taken == [True] * MAX_WAITING + [False]
    await file.aclose()
