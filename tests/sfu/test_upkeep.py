"""How often publishers are told what arrived."""

import pytest

from telehealth.sfu import upkeep
from telehealth.sfu.aiortc_hooks import Certificate
from telehealth.sfu.counters import Counters
from telehealth.sfu.transport import Transport

TRANSPORT_FEEDBACK = 205


@pytest.mark.parametrize(("packets_per_s", "told_per_s"), [(17, 2.5), (50, 5), (150, 10), (170, 5), (400, 5)])
def test_a_wide_way_is_told_half_as_often_what_arrived_and_a_voice_alone_too(
    packets_per_s: int, told_per_s: float
) -> None:
    sent: list[bytes] = []
    transport = Transport(Certificate(), lambda datagram, _: sent.append(datagram), Counters(), 0.0)
    transport._protect = transport._protect_rtcp = lambda packet: packet
    transport.address = ("127.0.0.1", 9)
    number = 0
    for turn in range(1, 31):
        now = turn * 0.1001
        while number < packets_per_s * now:
            transport.arrivals.note(number & 0xFFFF, number / packets_per_s)
            number += 1
        upkeep.report(transport, now)
    told = sum(datagram[1] == TRANSPORT_FEEDBACK for datagram in sent)
    assert told == pytest.approx(3 * told_per_s, abs=1)
