"""Each kind of page, as it is seen: on phones and screens, light and dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.looking import (
    KINDS,
    LOOKS,
    SPACING,
    nobody_is_kept_from_reading,
    nothing_is_beside_the_screen,
    rows_are_in_view,
)

HAVE_ROWS = set(KINDS) - {"station", "error"}
SAME = {"province": ["390"], "kabupaten": [], "kecamatan": [], "boxes": ["1280-dark"]}
"""Made of what the others are made of: the rules, which take most of the time, are asked of them in these looks."""


@pytest.mark.parametrize("name", LOOKS)
def test_all_of_a_page_is_on_the_screen_and_nobody_is_kept_from_reading_it(
    browser: Browser, site: str, name: str
) -> None:
    look = LOOKS[name]
    page = look.open(browser)
    for kind, path in KINDS.items():
        page.goto(site + path)
        nothing_is_beside_the_screen(page)
        assert bool(rows_are_in_view(page, 2)) is (kind in HAVE_ROWS)
        look.keep(page, kind)
        if kind in SAME and name not in SAME[kind]:
            continue
        nobody_is_kept_from_reading(page, kind)
    page.context.close()


@pytest.mark.parametrize("name", ["320", "390", "1280"])
def test_twice_as_large_text_with_wide_spaces_stays_on_the_screen(browser: Browser, site: str, name: str) -> None:
    look = LOOKS[name]
    page = look.open(browser)
    for kind, path in KINDS.items():
        page.goto(site + path)
        page.evaluate(SPACING)
        nothing_is_beside_the_screen(page)
        rows_are_in_view(page, 2)
        look.keep(page, f"{kind}-200")
    page.context.close()


def test_labels_stand_where_columns_have_no_heads_and_only_there(browser: Browser, site: str) -> None:
    for name, there in (("320", True), ("1280", False)):
        page = LOOKS[name].open(browser)
        page.goto(site)
        labels = [label for row in rows_are_in_view(page, 2) for label in row["labels"]]
        assert labels
        assert set(labels) == {there}
        assert page.get_by_role("columnheader", name="01 JOKO WIDODO – MA'RUF AMIN").count() == 1
        assert page.get_by_role("row", name="GORONTALO").get_by_role("cell").count() == 4
        page.context.close()
