"""What a browser shows of each kind of page through the edge: over TLS, out of its cache, packed, with all headers."""

from __future__ import annotations

import shutil

from playwright.sync_api import sync_playwright

from tests.browser.looking import (
    KINDS,
    Look,
    nothing_is_beside_the_screen,
    rows_are_in_view,
)
from tests.deploy.test_rollout import url
from tests.stands.lab import LabStack

WITHOUT_ROWS = {"station", "error"}


def test_each_kind_of_page_is_seen_through_the_edge_as_a_host_makes_it(stack: LabStack) -> None:
    chromium = shutil.which("chromium")
    assert chromium, "chromium is not installed: apt-get install chromium"
    look = Look(
        "390-edge", 390, {"is_mobile": True, "has_touch": True, "ignore_https_errors": True}
    )  # the lab's own CA
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = look.open(browser)
        for kind, path in KINDS.items():
            for cached in (False, True):
                answer = page.goto(url(stack) + path)
                assert answer
                assert answer.status == (404 if kind == "error" else 200)
                assert not cached or kind == "error" or answer.headers["x-cache"] == "HIT", kind
                nothing_is_beside_the_screen(page)
                assert bool(rows_are_in_view(page, 2)) is (kind not in WITHOUT_ROWS), kind
            look.keep(page, kind)
        browser.close()
