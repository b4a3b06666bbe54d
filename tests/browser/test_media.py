"""Whatever the browser makes of colours, paper and scripts, a page says the same."""

from __future__ import annotations

import base64
import re
import zlib

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.looking import HITUNG, KINDS, LOOKS, Look
from tests.stands.pages import YOGYAKARTA

COLOURS = """async source => {
    const image = await createImageBitmap(await (await fetch(source)).blob());
    const canvas = new OffscreenCanvas(image.width, image.height), context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    return [0.05, 0.95].map(part => [...context.getImageData(image.width * part, image.height / 2, 1, 1).data]);
}"""

RED = (0xB3 / 255, 0x26 / 255, 0x1E / 255)
FILL = re.compile(rb"([\d.]+) ([\d.]+) ([\d.]+) rg")
"""How a page on paper says the colour of what it fills next: red, green and blue from 0 to 1."""


def colours_of_bars(browser: Browser, page: Page) -> list[tuple[list[int], list[int]]]:
    """Of each bar that is neither empty nor full, the colours near its left and its right end."""
    reader = browser.new_page()
    found: list[tuple[list[int], list[int]]] = []
    for bar in page.locator("progress").all():
        if 0.1 < float(bar.evaluate("bar => bar.position")) < 0.9:
            picture = base64.b64encode(bar.screenshot()).decode()
            left, right = reader.evaluate(COLOURS, f"data:image/png;base64,{picture}")
            found.append((left, right))
    reader.close()
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("options", [{}, {"forced_colors": "active"}], ids=["usual", "forced"])
def test_bars_are_seen_in_the_readers_own_colours_too(
    browser: Browser, site: str, options: dict[str, str], scheme: str
) -> None:
    look = Look(f"390-{'forced-' if options else ''}{scheme}", 390, {"color_scheme": scheme, **options})
    page = look.open(browser)
    page.goto(site)
    bars = colours_of_bars(browser, page)
    assert len(bars) == 3
    for left, right in bars:
        assert sum(abs(one - other) for one, other in zip(left, right, strict=True)) > 150
    look.keep(page, "nation")
    page.context.close()


def printed_in_red(page: Page) -> int:
    """How many times red is taken up while the page is printed as browsers do it, without backgrounds."""
    printed = page.pdf(format="A4", print_background=False)
    streams = re.findall(rb"stream\r?\n(x.*?)endstream", printed, re.DOTALL)
    fills = [fill for packed in streams for fill in FILL.findall(zlib.decompressobj().decompress(packed))]
    return sum(1 for fill in fills if tuple(float(part) for part in fill) == pytest.approx(RED, abs=0.01))


def test_bars_are_printed_though_backgrounds_are_not(browser: Browser, site: str) -> None:
    page = Look("print", 800, {}).open(browser)
    page.goto(site)
    with_bar = printed_in_red(page)
    page.evaluate("document.querySelectorAll('.pair-1 progress').forEach(bar => { bar.value = 0 })")
    assert printed_in_red(page) < with_bar
    page.emulate_media(media="print")
    LOOKS["1280"].keep(page, "nation-print")
    page.context.close()


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_script_a_page_looks_the_same(browser: Browser, site: str, kind: str) -> None:
    pictures: list[bytes] = []
    for scripted in (True, False):
        page = Look("390-script", 390, {"java_script_enabled": scripted}).open(browser)
        page.goto(site + KINDS[kind])
        pictures.append(page.screenshot(full_page=True, caret="initial", animations="allow"))
        page.context.close()
    assert pictures[0] == pictures[1]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/#/ppwp/hitung-suara/", HITUNG),
        (f"/#/ppwp/hitung-suara/{YOGYAKARTA[0]}", f"{HITUNG}/{YOGYAKARTA[0]}"),
        (f"/#/ppwp/hitung-suara/{'/'.join(YOGYAKARTA)}/41882", f"{HITUNG}/{'/'.join(YOGYAKARTA)}/41882"),
        (f"/#/ppwp/hitung-suara/{'/'.join(YOGYAKARTA)}/41882/900001424", f"{HITUNG}/{'/'.join(YOGYAKARTA)}/41882"),
        ("/#/ppwp/rekapitulasi/1", "/#/ppwp/rekapitulasi/1"),
        ("/#//elsewhere.example/ppwp/hitung-suara", "/#//elsewhere.example/ppwp/hitung-suara"),
        ("/#/ppwp/hitung-suarax", "/#/ppwp/hitung-suarax"),
        ("/#catatan", "/#catatan"),
    ],
)
def test_addresses_of_2019_lead_to_their_pages_and_others_stay(browser: Browser, site: str, old: str, new: str) -> None:
    page = LOOKS["390"].open(browser)
    page.goto(site + old)
    page.wait_for_url(site + new, timeout=5000)
    assert page.locator("h1").count() == 1
    page.context.close()
