"""What is looked at, how, and what must be seen of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe  # pyright: ignore[reportMissingTypeStubs]
from playwright.sync_api import Browser, Page

from tests.stands.lab import PROJECT
from tests.stands.pages import ABROAD, YOGYAKARTA

SCREENSHOTS = PROJECT / "dist/screenshots"
HITUNG = "/ppwp/hitung-suara"

KINDS = {
    "nation": "/",
    "province": f"{HITUNG}/{YOGYAKARTA[0]}",
    "kabupaten": f"{HITUNG}/{'/'.join(YOGYAKARTA[:2])}",
    "kecamatan": f"{HITUNG}/{'/'.join(YOGYAKARTA)}",
    "kelurahan": f"{HITUNG}/{'/'.join(YOGYAKARTA)}/41882",
    "station": f"{HITUNG}/{'/'.join(ABROAD)}/900000002",
    "abroad": f"{HITUNG}/-99",
    "boxes": f"{HITUNG}/{'/'.join(ABROAD)}",
    "error": "/tidak/ada",
}
"""Every kind of page, by its address."""

OVERFLOW = """() => {
    const out = [...document.body.querySelectorAll('*')].filter(each => {
        const box = each.getBoundingClientRect();
        return box.width > 1 && (box.right > innerWidth + 0.5 || box.left < -0.5);
    });
    const beyond = document.documentElement.scrollWidth - innerWidth;
    return [beyond, out.slice(0, 5).map(each => each.outerHTML.slice(0, 90))];
}"""

ROWS = """() => [...document.querySelectorAll('.rows tbody tr')].map(row => {
    const seen = each => {
        const box = each.getBoundingClientRect(), line = row.getBoundingClientRect();
        return each.checkVisibility({opacityProperty: true, visibilityProperty: true}) && each.innerText.trim() !== ''
            && box.width > 1 && box.height > 1 && box.left >= 0 && box.right <= innerWidth + 0.5
            && box.top >= line.top - 0.5 && box.bottom <= line.bottom + 0.5;
    };
    const all = selector => [...row.querySelectorAll(selector)].map(seen);
    return {name: all('th a'), entered: all('.entered'), shares: all('.tally b'), flags: all('.remark'),
            labels: [...row.querySelectorAll('.label')].map(each => each.checkVisibility()), text: row.innerText};
})"""

SPACING = """() => {
    document.documentElement.style.fontSize = '200%';
    const sheet = new CSSStyleSheet();
    sheet.replaceSync('*{line-height:1.5!important;letter-spacing:.12em!important;word-spacing:.16em!important}'
        + 'p{margin-bottom:2em!important}');
    document.adoptedStyleSheets = [sheet];
}"""
"""WCAG 2.2, 1.4.4 and 1.4.12."""


@dataclass(frozen=True)
class Look:
    """How somebody looks at a page: the options of playwright's context."""

    name: str
    width: int
    options: dict[str, Any]

    def open(self, browser: Browser) -> Page:
        """A page of a context of its own, that fails what the page's policy refuses."""
        context = browser.new_context(viewport={"width": self.width, "height": 800}, **self.options)
        page = context.new_page()
        page.on("console", lambda message: _refuse(message.text, message.type))
        page.on("pageerror", lambda error: _refuse(str(error), "error"))
        return page

    def keep(self, page: Page, kind: str) -> Path:
        """What is seen, as a build's output."""
        path = SCREENSHOTS / f"{kind}-{self.name}.png"
        page.screenshot(path=path)
        return path


LOOKS = {
    look.name: look
    for look in (
        Look("320", 320, {}),
        Look("390", 390, {"is_mobile": True, "has_touch": True}),
        Look("390-dark", 390, {"color_scheme": "dark"}),
        Look("1280", 1280, {}),
        Look("1280-dark", 1280, {"color_scheme": "dark"}),
    )
}


def _refuse(text: str, kind: str) -> None:
    """Complaints of the browser; that an error page is one is none."""
    assert kind != "error" or "status of 404" in text, text


def nobody_is_kept_from_reading(page: Page, kind: str) -> None:
    """The rules of accessibility that axe-core knows."""
    found: Any = Axe().run(page, options={"resultTypes": ["violations"]})  # pyright: ignore[reportUnknownMemberType]
    assert found.violations_count == 0, f"{kind}: {found.generate_report()}"


def nothing_is_beside_the_screen(page: Page) -> None:
    """Nobody has to scroll sideways."""
    beyond, elements = page.evaluate(OVERFLOW)
    assert (beyond, elements) == (0, [])


def rows_are_in_view(page: Page, candidates: int) -> list[dict[str, Any]]:
    """Of each row the name, the progress, every candidate's share and the flag are seen; returns the rows."""
    rows: list[dict[str, Any]] = page.evaluate(ROWS)
    for row in rows:
        assert row["name"] == [True], row
        assert all(row["entered"]), row
        assert all(row["flags"]), row
        assert row["shares"] == [True] * candidates or "Belum masuk" in row["text"], row
    return rows
