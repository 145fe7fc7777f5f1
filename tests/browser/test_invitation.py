"""An invitation leads somebody without an account into the room; looking changes nothing, copying helps nobody."""

import json
import re

import aiohttp
from playwright.async_api import Browser, expect

from tests.browser.acts import COUNT_CONNECTIONS, IN_A_BROWSER, expect_frames, let_in, sign_in
from tests.browser.stage import DESK, PHONE, Demo, person

pytestmark = IN_A_BROWSER


async def test_a_guest_comes_in_by_a_link_that_works_in_one_browser_only(demo: Demo, browser: Browser) -> None:
    link = demo["invitation_url"]
    address, _, secret = link.partition("#")
    assert len(secret) >= 22

    # Mail programs and crawlers look at links: without the fragment, which no request carries, and with it.
    async with aiohttp.ClientSession() as crawler:
        for looked_at in [address] * 4 + [f"{address}?{secret}"]:
            async with crawler.get(looked_at, allow_redirects=False) as answer:
                assert answer.status == 200
                assert not answer.cookies

    context, guest, complaints = await person(browser, PHONE)
    await context.add_init_script(COUNT_CONNECTIONS)
    requested: list[str] = []
    guest.on("request", lambda request: requested.append(request.url))
    await guest.goto(link)
    await expect(guest.get_by_test_id("join-button")).to_be_enabled()
    assert secret not in guest.url
    assert [request for request in requested if secret in request] == []
    await guest.get_by_test_id("join-button").click()
    await expect(guest.get_by_role("heading", name="Can you be seen and heard?")).to_be_visible(timeout=15_000)
    room = re.fullmatch(re.escape(demo["base_url"]) + r"/rooms/[0-9a-f]{32}", guest.url)
    assert room is not None, guest.url
    await guest.get_by_test_id("join-button").click()
    await expect(guest.get_by_role("heading", name="You are next")).to_be_visible(timeout=15_000)

    # Somebody who got hold of the link later, or guesses, is told of nobody.
    for tried in (link, f"{address}#{secret[::-1]}", f"{address}#{secret[:-1]}"):
        other, stranger, _ = await person(browser, DESK)
        await stranger.goto(tried)
        await stranger.get_by_test_id("join-button").click()
        await expect(stranger.get_by_role("heading", name="does not open a visit here")).to_be_visible()
        assert not re.search("Milo|Fischer|Okafor|cough", await stranger.locator("body").inner_text())
        assert await other.cookies() == []
        await other.close()

    _, doctor = await sign_in(browser, demo["doctor_url"], DESK)
    await doctor.goto(guest.url)
    await doctor.get_by_test_id("join-button").click()
    await let_in(doctor)
    await expect_frames(guest)
    await expect_frames(doctor)
    await expect(doctor.get_by_role("heading", level=1)).to_have_text("Milo Fischer")

    # The same browser comes back with the same link.
    again = await context.new_page()
    await again.goto(link)
    await again.get_by_test_id("join-button").click()
    await expect(again).to_have_url(re.compile(r"/rooms/"), timeout=15_000)

    assert secret not in demo.log.read_text()
    assert secret not in json.dumps([*requested, complaints, await context.storage_state()])
