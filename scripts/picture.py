"""Take docs/picture.png: a consultation of the demo, with a drawn person before the camera.

Usage: .venv/bin/python scripts/picture.py
"""

import asyncio
import math
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser.stage import chromium, person, running_demo  # noqa: E402 - needs the path above.

SIZE = (640, 480)
FRAMES = 20


async def main() -> None:
    """Join as patient and doctor, wait until the traces fill their rows, and photograph the doctor's page."""
    with tempfile.TemporaryDirectory() as folder, running_demo() as demo:
        ana, okafor = Path(folder) / "ana.y4m", Path(folder) / "okafor.y4m"
        film(ana, wall="#b9c7c4", shirt="#7a5c84", skin="#d9a679", hair="#6b6b70")
        film(okafor, wall="#dfe6e8", shirt="#f4f7f8", skin="#7b4a2e", hair="#1c1715")
        async with (
            chromium(f"--use-file-for-fake-video-capture={ana}") as home,
            chromium(f"--use-file-for-fake-video-capture={okafor}") as practice,
        ):
            _, patient, _ = await person(home, {"width": 390, "height": 844})
            await patient.goto(demo["patient_url"])
            await patient.get_by_test_id("join-button").click()
            _, doctor, _ = await person(practice, {"width": 1280, "height": 800})
            await doctor.goto(demo["doctor_url"])
            await doctor.get_by_test_id("join-button").click()
            await doctor.get_by_test_id("admit-button").first.click()
            await asyncio.sleep(14)
            await doctor.mouse.move(5, 5)
            await doctor.screenshot(path=ROOT / "docs" / "picture.png")
            await patient.screenshot(path=ROOT / "docs" / "picture-patient.png")


def film(path: Path, **colours: str) -> None:
    """Write a short loop in YUV4MPEG2 (4:2:0)."""
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{SIZE[0]} H{SIZE[1]} F20:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(FRAMES):
            y, u, v = portrait(number / FRAMES, **colours).convert("YCbCr").split()
            half = (SIZE[0] // 2, SIZE[1] // 2)
            file.write(b"FRAME\n" + y.tobytes() + u.resize(half).tobytes() + v.resize(half).tobytes())


def portrait(phase: float, *, wall: str, shirt: str, skin: str, hair: str) -> Image.Image:
    """Draw somebody who breathes."""
    picture = Image.new("RGB", SIZE, wall)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((40, 40, 170, 210), fill="#8fa9b5", outline="#6d8591", width=6)
    draw.rectangle((500, 260, 640, 480), fill="#93826b")
    breath = round(4 * math.sin(2 * math.pi * phase))
    draw.ellipse((140, 330 - breath, 500, 640), fill=shirt)
    draw.rectangle((290, 290, 350, 360), fill=skin)
    draw.ellipse((222, 78, 418, 330), fill=hair)
    draw.ellipse((238, 108, 402, 330), fill=skin)
    draw.chord((230, 84, 410, 260), 200, 340, fill=hair)
    for eye in (284, 356):
        draw.ellipse((eye - 12, 200, eye + 12, 216), fill="#ffffff")
        draw.ellipse((eye - 6, 202, eye + 6, 215), fill="#2b2320")
        draw.arc((eye - 20, 180, eye + 20, 206), 200, 340, fill=hair, width=5)
    draw.arc((306, 236, 334, 258), 20, 160, fill=hair, width=3)
    draw.arc((286, 252, 354, 296), 25, 155, fill="#8c3b36", width=6)
    return picture


if __name__ == "__main__":
    asyncio.run(main())
