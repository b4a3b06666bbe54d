"""Pages for any number of candidates, with names and figures as long as they come."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, Route

from app.election import Candidate, Election
from app.forms import Form, Rule
from app.pages import KelurahanPage, RegionPage, Row, Standing, StationRow, Tally, tallies
from app.places import Link, Place
from app.rendering import Renderer
from app.snapshot import Correction, Progress, Publication, Remarks, StationForm
from tests.browser.looking import (
    LOOKS,
    SPACING,
    nobody_is_kept_from_reading,
    nothing_is_beside_the_screen,
    rows_are_in_view,
)
from tests.stands.elections import LEGISLATIVE

SITE = "http://127.0.0.1:9/ppwp/hitung-suara"
AS_OF = dt.datetime(2029, 2, 14, 9, 45, tzinfo=dt.UTC)
RENDERER = Renderer("1.0.0")
COLOURS = ("#FFE600", "#101010", "#D40000")


def candidates(count: int) -> tuple[Candidate, ...]:
    names = ("PARTAI KEBANGKITAN BANGSA", "PARTAI GERAKAN INDONESIA RAYA", "Dr. H. ADI - Prof. BUDI SETIAWAN, M.Sc.")
    return tuple(Candidate(f"10{n}", n, names[n % 3], COLOURS[n % 3]) for n in range(1, count + 1))


def votes(who: tuple[Candidate, ...], most: int) -> tuple[Tally, ...]:
    return tallies({each.key: max(most - 7 * number, 0) for number, each in enumerate(who)}, who)


def frame(
    who: tuple[Candidate, ...],
) -> tuple[Election, Place, dt.datetime, tuple[Link, ...], Standing, Publication, Correction]:
    place = Place("DAERAH ISTIMEWA YOGYAKARTA", "Kabupaten/Kota", (Link("Indonesia", "/"),), "/ppwp/hitung-suara/1")
    files = (Link("perolehan suara", "/static/json/hhcw/ppwp/1.json"),)
    published = Publication(AS_OF, AS_OF + dt.timedelta(minutes=15))
    correction = Correction(AS_OF, "Satu formulir ditarik.")
    standing = Standing(who, votes(who, 90_999))
    return replace(LEGISLATIVE, candidates=who), place, AS_OF, files, standing, published, correction


def region(who: tuple[Candidate, ...]) -> bytes:
    remarks = Remarks(1234, {**dict.fromkeys(Rule, 0), Rule.VOTERS: 1234})
    progress = Progress(813_336, 803_012, remarks)
    names = ("KABUPATEN KEPULAUAN SIAU TAGULANDANG BIARO", "KOTA", "SUPERKALIFRAGILISTIKEKSPIALIDOSIUSBARU")
    rows = [Row(Link(name, f"/ppwp/hitung-suara/1/{n}"), progress, votes(who, 999)) for n, name in enumerate(names)]
    rows.append(Row(Link("BELUM", "/ppwp/hitung-suara/1/9"), Progress(7, 0), tuple(Tally(None, "–") for _ in who)))
    return RENDERER.render("region", RegionPage(*frame(who), progress, tuple(rows)))


def kelurahan(who: tuple[Candidate, ...]) -> bytes:
    form = StationForm(Form(tuple(range(len(who))), 400, 3, 300), AS_OF, None)
    link = Link("TPS 1", "/ppwp/hitung-suara/1/2/3/4/900000001")
    rows = (StationRow(link, form, votes(who, 999)), StationRow(link, None, votes(who, 0)))
    return RENDERER.render("kelurahan", KelurahanPage(*frame(who), Progress(2, 1), rows))


def show(page: Page, html: bytes, who: tuple[Candidate, ...]) -> None:
    """The page as the service would answer it, policy included."""

    headers = RENDERER.headers(replace(LEGISLATIVE, candidates=who))

    def answer(route: Route) -> None:
        route.fulfill(body=html, content_type="text/html", headers=headers)

    page.unroute_all()
    page.route("**/*", answer)
    page.goto(SITE)


@pytest.mark.parametrize("name", ["320", "390", "1280"])
def test_all_shares_of_two_to_eighteen_are_in_view(browser: Browser, name: str) -> None:
    look = LOOKS[name]
    page = look.open(browser)
    for count in (2, 3, 4, 5, 18):
        who = candidates(count)
        for kind, html in (("region", region(who)), ("kelurahan", kelurahan(who))):
            for spacing in (False, True):
                show(page, html, who)
                if spacing:
                    page.evaluate(SPACING)
                nothing_is_beside_the_screen(page)
                assert len(rows_are_in_view(page, count)) in (2, 4)
            look.keep(page, f"{kind}-{count}-200")
    page.context.close()


@pytest.mark.parametrize("name", ["390", "1280-dark"])
def test_nobody_is_kept_from_reading_eighteen(browser: Browser, name: str) -> None:
    look = LOOKS[name]
    page = look.open(browser)
    for kind, make in (("region", region), ("kelurahan", kelurahan)):
        show(page, make(candidates(18)), candidates(18))
        nobody_is_kept_from_reading(page, kind)
        look.keep(page, f"{kind}-18")
    page.context.close()
