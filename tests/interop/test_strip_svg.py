"""A strip as a document: to scale, on its grid, with holes where samples are missing."""

import re
import struct
from xml.etree import ElementTree

from telehealth.clock import to_ms
from telehealth.ids import DeviceId
from telehealth.interop.strip_svg import ROW_MM, strip_svg
from telehealth.vitals.history import Strip, StripRow
from telehealth.vitals.model import MISSING, FrameFlag, WaveBlock, WaveChannel
from tests.builders import ENCOUNTER, NOON

SVG = "{http://www.w3.org/2000/svg}"
ECG = WaveChannel(ENCOUNTER, 1, DeviceId("d"), "b", 1, 131330, "II <lead>", "mV", 250.0, 0.005, 0.0)


def a_block(first: int, samples: list[int], flags: FrameFlag = FrameFlag.NONE) -> WaveBlock:
    body = struct.pack(f"<{len(samples)}h", *samples)
    return WaveBlock(1, first + 1, first, to_ms(NOON) + first * 4.0, body, flags)


def drawn(*blocks: WaveBlock, seconds: float = 2.0) -> ElementTree.Element:
    return ElementTree.fromstring(strip_svg(Strip(NOON, seconds, (StripRow(ECG, blocks),))))


def lines(svg: ElementTree.Element) -> list[list[tuple[float, float]]]:
    found = []
    for line in svg.iter(f"{SVG}polyline"):
        pairs = [pair.split(",") for pair in line.attrib["points"].split()]
        found.append([(float(x), float(y)) for x, y in pairs])
    return found


def test_a_second_is_25_mm_and_a_millivolt_10_mm() -> None:
    # A millivolt (200 steps) for one sample at one second, zero around it.
    svg = drawn(a_block(0, [0] * 250 + [200] + [0] * 249))
    (line,) = lines(svg)
    assert len(line) == 500
    (x0, y0), (x, y) = line[0], line[250]
    assert (round(x - x0, 2), round(y0 - y, 2)) == (25.0, 10.0)
    assert svg.attrib["width"].endswith("mm")
    assert svg.attrib["viewBox"] == f"0 0 {svg.attrib['width'][:-2]} {svg.attrib['height'][:-2]}"


def test_the_grid_has_a_line_each_millimetre_and_a_stronger_one_each_five() -> None:
    fine, coarse = [path.attrib for path in drawn(a_block(0, [0] * 500)).iter(f"{SVG}path")][:2]
    columns = [len(re.findall(r"v30", grid["d"])) for grid in (fine, coarse)]
    assert columns == [40, 11]  # 51 lines over 50 mm.
    assert len(re.findall(r"h50", fine["d"] + coarse["d"])) == ROW_MM + 1
    assert float(coarse["stroke-width"]) > float(fine["stroke-width"])


def test_no_line_is_drawn_over_what_is_missing() -> None:
    assert [len(line) for line in lines(drawn(a_block(0, [1, 2, MISSING, MISSING, 3, 4])))] == [2, 2]
    assert [len(line) for line in lines(drawn(a_block(0, [1] * 50), a_block(100, [1] * 50)))] == [50, 50]
    assert [len(line) for line in lines(drawn(a_block(0, [1] * 50), a_block(50, [1] * 50)))] == [100]
    assert lines(drawn()) == []


def test_what_lies_outside_is_not_drawn() -> None:
    (line,) = lines(drawn(a_block(-100, [1] * 1000), seconds=1.0))
    assert len(line) == 251


def test_it_says_what_it_is_and_labels_cannot_break_it() -> None:
    texts = ["".join(text.itertext()) for text in drawn(a_block(0, [0], FrameFlag.DEMO)).iter(f"{SVG}text")]
    assert "II <lead>" in texts
    assert "10 mm/mV" in texts
    assert "Demonstration data" in texts
    assert any("25 mm/s (nominal)" in text and "2026-01-01 12:00:00.000" in text for text in texts)
