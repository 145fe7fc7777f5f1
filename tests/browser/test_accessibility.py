"""Nobody is kept out: axe finds nothing serious on any page, nothing is cut off at 320 px, and a keyboard is enough."""

from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.acts import IN_A_BROWSER
from tests.browser.stage import PHONE, ROOT, Demo, person
from tests.browser.tour import Stop, look, schemes, tour

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
pytestmark = [*IN_A_BROWSER, pytest.mark.skipif(not AXE.exists(), reason="axe is not installed: run `npm ci`")]

SIZES = [(390, 844), (1440, 900)]

FIND = """
async () => {
  const found = await axe.run(document, { resultTypes: ['violations'] });
  const words = ({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary}`;
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(words).join(' | ')}`);
}
"""

WIDER_THAN_THE_SCREEN = """
() => {
  const wide = document.documentElement.scrollWidth;
  const scrolls = (element) => element !== null
    && (['auto', 'scroll'].includes(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
  const cut = ({ left, right }) => right > innerWidth + 1 || left < -1;
  // Where a page hides what flows over, only what one must reach counts; where it does not, everything.
  const concerned = wide > innerWidth ? 'body *' : 'a, button, input, select, textarea, h1, h2, .vital-value';
  return [...document.querySelectorAll(concerned)]
    .filter((element) => element.checkVisibility() && cut(element.getBoundingClientRect()))
    .filter((element) => !element.matches('.visually-hidden, .skip-link') && !scrolls(element.parentElement))
    .slice(-3).map((element) => `cut off: ${element.outerHTML.slice(0, 120)}`);
}
"""

SMALL_TARGETS = """
(least) => [...document.querySelectorAll('button, .button, select, input, summary, nav a, .tile')]
  .filter((control) => control.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
  .map((control) => (control.matches('[type=checkbox], [type=radio]') && control.closest('label')) || control)
  .filter((control) => Math.round(control.getBoundingClientRect().height) < least)
  .map((control) => `${Math.round(control.getBoundingClientRect().height)} px: ${control.outerHTML.slice(0, 120)}`)
"""

GLOVED = "#new-case, #case .tile, #case select, #ring, #back-to-cases, .room[data-role=paramedic] .control"
SMALL_FOR_GLOVES = """
(selector) => [...document.querySelectorAll(selector)]
  .filter((control) => control.checkVisibility())
  .filter((control) => Math.round(control.getBoundingClientRect().height) < 64)
  .map((control) => control.outerHTML.slice(0, 120))
"""


async def test_no_page_has_a_serious_finding_nor_is_cut_off_nor_hard_to_hit(demo: Demo, browser: Browser) -> None:
    faults: list[str] = []
    seen = 0
    async for stop in tour(browser, demo):
        seen += 1
        faults += [f"{stop.name}: {fault}" for fault in await faults_of(stop)]
    print("states of pages examined:", seen)
    assert not faults, "\n".join(faults)


async def faults_of(stop: Stop) -> list[str]:
    page = stop.page
    faults: list[str] = []
    if not await page.evaluate("typeof axe === 'object'"):
        await page.evaluate(AXE.read_text())
    for width, height, scheme in [(*size, scheme) for size in SIZES for scheme in await schemes(page)]:
        await look(page, width, height, scheme)
        faults += [f"{width} {scheme}: {found}" for found in await page.evaluate(FIND)]
    await look(page, 320, 640)
    faults += await page.evaluate(WIDER_THAN_THE_SCREEN)
    faults += await page.evaluate(SMALL_TARGETS, 44)
    faults += [f"for gloves: {found}" for found in await page.evaluate(SMALL_FOR_GLOVES, GLOVED)]
    return faults


async def test_a_keyboard_is_enough_to_join(demo: Demo, browser: Browser) -> None:
    context, page, complaints = await person(browser, PHONE)
    await page.goto(demo["invitation_url"])
    await expect(page.get_by_test_id("join-button")).to_be_enabled()
    await tab_to(page, "[data-testid=join-button]")
    assert await ring_is_visible(page)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Can you be seen and heard?")).to_be_visible(timeout=15_000)
    await expect(page.get_by_test_id("join-button")).to_be_enabled()
    await tab_to(page, "[data-testid=join-button]")
    assert await ring_is_visible(page)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="You are next")).to_be_focused(timeout=15_000)
    assert complaints == []
    await context.close()


async def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus, as somebody without a mouse does."""
    for _ in range(30):
        await page.keyboard.press("Tab")
        if await page.evaluate("(selector) => document.activeElement?.matches(selector) ?? false", selector):
            return
    raise AssertionError(f"no way to {selector} by keyboard")


async def ring_is_visible(page: Page) -> bool:
    outline: dict[str, Any] = await page.evaluate(
        "() => { const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);"
        " return { outlineStyle, outlineWidth }; }"
    )
    return outline["outlineStyle"] != "none" and float(outline["outlineWidth"].removesuffix("px")) >= 3
