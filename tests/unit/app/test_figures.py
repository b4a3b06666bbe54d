"""Each figure on each page of the small sample is that of the JSON beside it; a page is read as text here."""

import html
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.service import Service, ServiceSettings

HHCW, WILAYAH, PAGES = "/static/json/hhcw/ppwp", "/static/json/wilayah", "/ppwp/hitung-suara"
PAIRS, FIGURES = ("21", "22"), ("pengguna_j", "suara_sah", "suara_tidak_sah", "suara_total")
ROW = re.compile(r'<tr role="row"><th role="rowheader"[^>]*><a href="([^"]*)">([^<]*)</a></th>(.*?)</tr>', re.DOTALL)
TALLY = re.compile(r"<b>[^<]*</b> <span>([^<]*)</span>")
CANDIDATE = re.compile(r"<p><strong>([^<]*)</strong> [^<]*</p>\n<progress aria-label=\"Bagian")
OF_FORM = re.compile(r'<th scope="row">[^<]*</th><td>([^<]*)</td>')
FIGURE = re.compile(r'class="figure"><span[^>]*>[^<]*</span> ([^<]*)</td>')
ENTERED = re.compile(r"<strong>([\d.]+)</strong> dari ([\d.]+) TPS")
ROW_ENTERED = re.compile(r'class="entered">([\d.]+) dari ([\d.]+) TPS')


def figures(pattern: re.Pattern[str], text: str) -> list[int | None]:
    """What a pattern finds, as numbers; None for a dash."""
    return [None if found == "–" else int(found.replace(".", "")) for found in pattern.findall(text)]


def of_pairs(document: dict[str, Any]) -> list[int | None]:
    return [document.get(pair) for pair in PAIRS]


def check_page(client: TestClient, region: str) -> list[str]:
    """Hold a page against its documents; returns what it leads to."""
    page, document = client.get(PAGES + region).text, client.get(f"{HHCW}{region}.json").json()
    if region.count("/") == 5:
        is_entered = "chart" in document
        assert figures(CANDIDATE, page) == (of_pairs(document["chart"]) if is_entered else [])
        assert figures(OF_FORM, page) == ([document[name] for name in FIGURES] if is_entered else [])
        return []
    assert figures(CANDIDATE, page) == of_pairs(document["chart"])
    (progress,) = ENTERED.findall(page)
    total = document["progress"]
    assert [int(each.replace(".", "")) for each in progress] == [total["proses"], total["total"]]
    rows = ROW.findall(page)
    names = client.get(f"{WILAYAH}{region or '/0'}.json").json()
    assert {link.rpartition("/")[2]: html.escape(html.unescape(name)) for link, name, _ in rows} == {
        child: html.escape(entry["nama"].removeprefix("+")) for child, entry in names.items()
    }
    for link, _, row in rows:
        child = link.rpartition("/")[2]
        below = client.get(f"{HHCW}{region}/{child}.json").json()
        if region.count("/") < 4:
            assert figures(TALLY, row) == of_pairs(document["table"][child]) == of_pairs(below["chart"])
            (entered,) = ROW_ENTERED.findall(row)
            total = below["progress"]
            assert [int(each.replace(".", "")) for each in entered] == [total["proses"], total["total"]]
        else:
            is_entered = "chart" in below
            assert figures(TALLY, row) == (of_pairs(below["chart"]) if is_entered else [])
            names_of = ("suara_sah", "suara_tidak_sah", "pengguna_j")
            assert figures(FIGURE, row) == [below[name] for name in names_of if is_entered]
    return [f"{region}/{link.rpartition('/')[2]}" for link, _, _ in rows]


@pytest.mark.thorough
def test_every_figure_of_every_page_is_that_of_its_json(snapshot_dir: Path, release_dir: Path) -> None:
    settings = ServiceSettings("jakarta-app-1", "jakarta", release_dir, snapshot_dir, release_dir.parent / "altered")
    client = TestClient(Service(settings).application())
    waiting, seen = [""], 0
    while waiting:
        waiting += check_page(client, waiting.pop())
        seen += 1
    assert seen == 1 + 71 + 450
