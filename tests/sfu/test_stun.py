"""What we send is STUN by another implementation's reading, to the byte."""

import pytest
from aioice.stun import Class, Message, Method, parse_message
from hypothesis import given
from hypothesis import strategies as st

from telehealth.sfu.stun import TCP, Credentials, addressee, authenticated, probe, response

TEXT = st.text("abcdefghijklmnopqrstuvwxyz0123456789+/", min_size=4, max_size=64)


@given(TEXT, TEXT, TEXT)
def test_a_probe_is_a_request_to_the_other_side(ours: str, theirs: str, password: str) -> None:
    datagram = probe(Credentials(ours, "x"), Credentials(theirs, password))
    read = parse_message(datagram)
    assert read.check_message_integrity(password.encode())
    assert (read.message_method, read.message_class) == (Method.BINDING, Class.REQUEST)
    assert read.attributes["USERNAME"] == f"{theirs}:{ours}"
    assert "ICE-CONTROLLED" in read.attributes and "FINGERPRINT" in read.attributes
    assert bytes(read) == datagram
    assert addressee(datagram) == theirs
    assert authenticated(datagram, password) is not None
    assert authenticated(datagram, password + "x") is None


@pytest.mark.parametrize("host", ["127.0.0.1", TCP + "203.0.113.7"])
def test_a_response_names_where_the_request_came_from(host: str) -> None:
    request = Message(Method.BINDING, Class.REQUEST)
    datagram = response(request, (host, 40_001), "secret")
    read = parse_message(datagram)
    assert read.check_message_integrity(b"secret")
    assert read.message_class is Class.RESPONSE
    assert read.transaction_id == request.transaction_id
    assert read.attributes["XOR-MAPPED-ADDRESS"] == (host.removeprefix(TCP), 40_001)
    assert bytes(read) == datagram
