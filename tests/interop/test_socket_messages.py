import json
from collections.abc import Callable
from pathlib import Path

import pytest

from telehealth.bus import EventId
from telehealth.clock import from_ms
from telehealth.errors import Invalid
from telehealth.ids import DeviceId, EncounterId
from telehealth.interop import device_messages, watch_messages, worklist_messages
from telehealth.interop.wire import Message
from telehealth.vitals.model import Device, Quality, RawValue, WaveChannel
from tests.interop.hostile_inputs import VECTORS, texts_like

Parser = Callable[[str | bytes], Message]

PARSERS: dict[str, Parser] = {
    "device/client": device_messages.parse_client,
    "device/server": device_messages.parse_server,
    "vitals/client": watch_messages.parse_client,
    "vitals/server": watch_messages.parse_server,
    "worklist/client": worklist_messages.parse_client,
    "worklist/server": worklist_messages.parse_server,
}
EXAMPLES = [(folder, path) for folder in PARSERS for path in sorted((VECTORS / folder).glob("*.json"))]


@pytest.mark.parametrize(("folder", "path"), EXAMPLES, ids=[f"{f}/{p.stem}" for f, p in EXAMPLES])
def test_a_vector_is_read_and_written_back_as_it_is(folder: str, path: Path) -> None:
    text = path.read_text()
    assert json.loads(PARSERS[folder](text).to_text()) == json.loads(text)


@pytest.mark.parametrize("folder", PARSERS)
def test_ten_thousand_odd_texts_are_refused_or_survive_a_round_trip(folder: str) -> None:
    parser, refused, read = PARSERS[folder], 0, 0
    for text in texts_like(folder, 10_000, seed=7):
        try:
            message = parser(text)
        except Invalid as error:
            assert error.code == "bad_message"
            refused += 1
        else:
            assert parser(message.to_text()) == message
            read += 1
    assert refused > 1_000
    assert read > 100


def hello(**changes: object) -> str:
    tree = json.loads((VECTORS / "device/client/hello.json").read_text())
    tree["channels"][0].update(changes)
    return json.dumps(tree)


@pytest.mark.parametrize(
    "changes",
    [
        {"ch": 0},
        {"ch": 65_536},
        {"ch": True},
        {"ch": "1"},
        {"rate": 0},
        {"rate": -1.0},
        {"rate": float("nan")},
        {"gain": 0},
        {"gain": float("inf")},
        {"label": ""},
        {"label": "a\u0000"},
        {"label": "x" * 33},
        {"colour": "green"},
    ],
    ids=str,
)
def test_a_channel_that_makes_no_sense_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        device_messages.parse_client(hello(**changes))


def test_two_channels_of_one_number_are_refused() -> None:
    tree = json.loads(hello())
    tree["channels"] *= 2
    with pytest.raises(Invalid):
        device_messages.parse_client(json.dumps(tree))


def test_more_than_32_channels_are_refused() -> None:
    tree = json.loads(hello())
    tree["channels"] = [{**tree["channels"][0], "ch": n} for n in range(1, 34)]
    with pytest.raises(Invalid):
        device_messages.parse_client(json.dumps(tree))


def numerics(values: list[dict[str, object]]) -> str:
    return json.dumps({"type": "numerics", "seq": 1, "taken_at": 1.0, "values": values})


def test_a_value_may_be_named_by_loinc_and_lack_its_unit() -> None:
    message = device_messages.parse_client(numerics([{"loinc": "8867-4", "value": 75}]))
    assert isinstance(message, device_messages.Numerics)
    assert message.to_domain().values == (RawValue(75.0, "", Quality.GOOD, loinc="8867-4"),)


def test_a_hello_says_what_the_device_will_send() -> None:
    message = device_messages.parse_client(hello(label="V5"))
    assert isinstance(message, device_messages.Hello)
    (channel,) = message.to_domain().channels
    assert (channel.number, channel.label, channel.rate_hz) == (1, "V5", 250.0)


def test_a_value_named_by_mdc_is_taken_as_such() -> None:
    message = device_messages.parse_client(numerics([{"mdc": 147842, "value": None, "quality": "invalid"}]))
    assert isinstance(message, device_messages.Numerics)
    assert message.to_domain().values == (RawValue(None, "", Quality.INVALID, mdc=147842),)


def test_a_watcher_is_welcomed_with_devices_and_channels() -> None:
    device = Device(DeviceId("d1"), "Monitor bay 3", simulated=True)
    channel = WaveChannel(EncounterId("e"), 1, device.id, "b", 4, 131330, "II", "mV", 250.0, 0.005, 0.0)
    message = watch_messages.welcome([(device, True)], [channel], resumed=False, server_time=from_ms(1000.0))
    assert watch_messages.parse_server(message.to_text()) == message
    assert (message.devices[0].connected, message.channels[0].label, message.server_time) == (True, "II", 1000.0)


@pytest.mark.parametrize("count", [0, 65])
def test_a_message_has_1_to_64_values(count: int) -> None:
    with pytest.raises(Invalid):
        device_messages.parse_client(numerics([{"mdc": 147842, "value": 75, "unit": "/min"}] * count))


def test_an_event_reaches_the_watcher_with_its_id() -> None:
    text = watch_messages.event_text(b'{"type":"channels","channels":[]}', EventId(12, 3))
    assert watch_messages.parse_server(text) == watch_messages.Channels(id="12-3", channels=())
