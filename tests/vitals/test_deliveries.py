"""Deliveries: that who sends no more is noticed, whatever goes wrong meanwhile."""

import asyncio

import pytest

from telehealth.access import Principal, Role
from telehealth.vitals import deliveries
from telehealth.vitals.deliveries import IDLE_S, Deliveries
from telehealth.vitals.feed import Feed
from telehealth.vitals.model import FeedHello
from telehealth.vitals.service import VitalsPlane
from tests.consultations.node import until
from tests.vitals.ward import Ward


async def test_a_fault_of_ours_does_not_end_the_sweeping(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "SWEEP_S", 0.001)
    sent, faults, close_feed = Deliveries(ward.plane, ward.clock), list[Feed](), VitalsPlane.close_feed

    async def faulty(plane: VitalsPlane, feed: Feed) -> None:
        if not faults:
            faults.append(feed)
            raise RuntimeError("a fault of ours")
        await close_feed(plane, feed)

    monkeypatch.setattr(VitalsPlane, "close_feed", faulty)
    first, second = await ward.a_device(), await ward.a_device()
    for device in (first, second):
        await sent.deliver(Principal(device, Role.DEVICE), FeedHello("b1", ward.now_ms, ()), [ward.numerics(1)])
    ward.clock.advance(IDLE_S + 1)
    async with asyncio.TaskGroup() as group:
        sweeping = group.create_task(sent.sweep())
        await until(lambda: len(ward.heard("device")) == 3)
        sweeping.cancel()
    assert [feed.device.id for feed in faults] == [first]
