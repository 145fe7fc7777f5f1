import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telehealth.consultations.messages import (
    MAX_CHAT,
    MAX_TEXT,
    Chat,
    Message,
    parse_case,
    parse_client,
    parse_server,
    serialise,
)
from telehealth.errors import Invalid

VECTORS = Path(__file__).parents[1] / "vectors" / "room"
CLIENT = sorted((VECTORS / "client").glob("*.json"))
SERVER = sorted((VECTORS / "server").glob("*.json"))
CLIENT_TEXTS = [path.read_text() for path in CLIENT]

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def outcome(text: str) -> str:
    """Say how parsing ended: the type of the message, or the code of the refusal. Any other error escapes."""
    try:
        message = parse_client(text)
    except Invalid as refused:
        return refused.code
    return str(message.type)


@pytest.mark.parametrize("path", CLIENT, ids=lambda path: path.stem)
def test_a_client_vector_is_understood_and_written_again_the_same(path: Path) -> None:
    message = parse_client(path.read_text())
    assert message.type == path.stem
    assert json.loads(serialise(message)) == json.loads(path.read_text())


@pytest.mark.parametrize("path", SERVER, ids=lambda path: path.stem)
def test_a_server_vector_is_understood_and_written_again_the_same(path: Path) -> None:
    message = parse_server(path.read_text())
    assert message.type == path.stem
    assert json.loads(serialise(message)) == json.loads(path.read_text())


def test_every_message_has_a_vector() -> None:
    def types(union: object) -> set[str]:
        members = union.__origin__.__args__  # type: ignore[attr-defined]
        return {member.model_fields["type"].default for member in members}

    from telehealth.consultations.messages import ClientMessage, ServerMessage

    assert types(ClientMessage) == {path.stem for path in CLIENT}
    assert types(ServerMessage) == {path.stem for path in SERVER}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '"leave"',
        '{"type": "nonsense"}',
        '{"type": "leave", "extra": 1}',
        '{"type": "leave", "type": "end"}',
        '{"type": "ping"}',
        '{"type": "ping", "sent_at": NaN}',
        '{"type": "ping", "sent_at": 1e400}',
        '{"type": "ping", "sent_at": "1"}',
        '{"type": "ping", "sent_at": true}',
        '{"type": "ping", "sent_at": ' + "9" * 5000 + "}",
        '{"type": "publish", "source": "keyboard"}',
        '{"type": "mute", "source": "camera", "muted": 1, "reason": ""}',
        '{"type": "answer", "negotiation": -1, "sdp": "v=0"}',
        '{"type": "answer", "negotiation": 1.0, "sdp": "v=0"}',
        '{"type": "answer", "negotiation": 1, "sdp": ""}',
        '{"type": "admit", "participant": "../etc"}',
        '{"type": "hello", "version": 2, "ticket": "t"}',
        '{"type": "chat", "key": "", "text": "a"}',
        '{"type": "chat", "key": "a\\n", "text": "a"}',
        '{"type": "chat", "key": "' + "k" * 65 + '", "text": "a"}',
        '{"type": "chat", "key": "k", "text": " \\n\\t "}',
        '{"type": "chat", "key": "k", "text": "\\u0000"}',
        '{"type": "chat", "key": "k", "text": "\\ud800"}',
        '{"type": "chat", "key": "k", "text": "\ud800"}',
        '{"type": "leave"} {"type": "leave"}',
        "[" * 60_000,
        '{"a":' * 10_000,
        '{"type":' * 8_000 + "1" + "}" * 8_000,
        "\x00",
        "\ufeff" + '{"type": "leave"}',
    ],
    ids=lambda text: ascii(text[:50]),
)
def test_what_is_no_message_is_refused(text: str) -> None:
    assert outcome(text) == "bad_message"


def test_a_chat_line_may_have_two_thousand_characters_and_no_more() -> None:
    longest = {"type": "chat", "key": "k", "text": "ü" * MAX_CHAT}
    assert isinstance(parse_client(json.dumps(longest)), Chat)
    assert outcome(json.dumps({**longest, "text": "ü" * (MAX_CHAT + 1)})) == "bad_message"


def test_a_message_over_the_limit_is_refused_before_it_is_parsed() -> None:
    padding = " " * (MAX_TEXT - len('{"type": "leave"}'))
    assert outcome('{"type": "leave"}' + padding) == "leave"
    assert outcome('{"type": "leave"}' + padding + " ") == "bad_message"
    assert outcome(json.dumps({"type": "answer", "negotiation": 1, "sdp": "é" * 40_000}, ensure_ascii=False)) == (
        "bad_message"
    )


def test_a_message_cannot_be_changed() -> None:
    message: Message = parse_client('{"type": "chat", "key": "k", "text": "t"}')
    with pytest.raises(ValueError, match="frozen"):
        message.type = "end"  # type: ignore[attr-defined]


@settings(max_examples=2_000, deadline=None)
@given(st.text(max_size=200) | JSON_VALUES.map(json.dumps))
def test_no_text_whatever_crashes_the_parser(text: str) -> None:
    outcome(text)


@settings(max_examples=2_000, deadline=None)
@given(st.sampled_from(CLIENT_TEXTS), st.data())
def test_no_field_of_whatever_value_crashes_the_parser(text: str, data: st.DataObject) -> None:
    fields = json.loads(text)
    fields[data.draw(st.sampled_from(sorted(fields)) | st.text(max_size=8))] = data.draw(JSON_VALUES)
    outcome(json.dumps(fields))


def test_ten_thousand_damaged_messages_are_refused_or_understood_but_never_crash() -> None:
    chance = random.Random(20_251)
    pieces = ['"', "{", "}", "[", "]", ",", ":", "\\", "\\u", "null", "1e999", "-", "\ud800", "\x00", "NaN", '"type"']
    outcomes = set()
    for _ in range(10_000):
        text = chance.choice(CLIENT_TEXTS)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(text) + 1)
            text = text[:at] + chance.choice(pieces) + text[at + chance.randint(0, 6) :]
        outcomes.add(outcome(text))
    assert "bad_message" in outcomes


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b'{"id": 1}', b"[" * 10_000])
def test_a_body_that_is_no_case_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        parse_case(body)
    with pytest.raises(Invalid):
        parse_server(body.decode(errors="replace"))
