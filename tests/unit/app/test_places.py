"""Where a page says it is."""

import re
from collections import Counter
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app import layout
from app.places import links_of, place_of
from app.snapshot import Snapshot
from tests.stands.packs import write_snapshot
from tests.unit.app.test_service import client_of

NAMES = {
    (): {"-99": "+Luar Negeri", "1": "ACEH"},
    (-99,): {"-11": "Amerika Serikat", "-21": "Amerika Serikat", "-31": "Jepang", "-41": "Oman", "-51": "Oman"},
    (-99, -11): {"-12": "Chicago"},
    (-99, -21): {"-22": "Houston"},
    (-99, -31): {"-32": "Tokyo"},
    (-99, -41): {"-42": "Oman"},
    (-99, -51): {"-52": "Oman"},
    (1,): {"2": "A"},
    (1, 2): {"3": "A", "4": "B"},
    (1, 2, 3): {"5": "B"},
    (1, 2, 4): {"6": "B"},
    (1, 2, 3, 5): {"900000001": "TPS 1"},
    (1, 2, 4, 6): {"900000002": "TPS 1"},
}


@pytest.fixture
def named(tmp_path: Path) -> Snapshot:
    bodies = {
        f"/{layout.names_file(region)}": layout.dump({id_: {"nama": name} for id_, name in names.items()})
        for region, names in NAMES.items()
    }
    return Snapshot(write_snapshot(tmp_path / "named", bodies))


def test_those_that_share_a_name_are_told_apart_by_what_is_in_them(named: Snapshot) -> None:
    assert [link.name for link in links_of(named, (-99,)).values()] == [
        "Amerika Serikat (Chicago)",
        "Amerika Serikat (Houston)",
        "Jepang",
        "Oman (Oman) [-41]",
        "Oman (Oman) [-51]",
    ]
    assert place_of(named, (-99, -21, -22)).trail[2].name == "Amerika Serikat (Houston)"


def test_abroad_consists_of_countries_and_cities(named: Snapshot) -> None:
    assert place_of(named, ()).level == "Provinsi"
    assert place_of(named, (1,)).level == "Kabupaten/Kota"
    assert place_of(named, (-99,)).level == "Negara"
    assert place_of(named, (-99, -31)).level == "Kota"


def test_titles_differ_even_where_a_part_has_the_name_of_what_is_above_it(named: Snapshot) -> None:
    paths = [(1, 2, 3, 5, 900_000_001), (1, 2, 4, 6, 900_000_002)]
    assert [place_of(named, path).title for path in paths] == ["TPS 1, B, A, A, ACEH", "TPS 1, B, B, A, ACEH"]


@pytest.mark.thorough
def test_each_page_of_the_sample_has_a_title_of_its_own_and_says_where_it_belongs(
    snapshot_dir: Path, release_dir: Path
) -> None:
    client = client_of(snapshot_dir, release_dir)
    titles: Counter[str] = Counter()
    for path in all_pages(client):
        page = client.get(path).text
        titles.update(re.findall(r"<title>(.*?)</title>", page))
        assert f'<link rel="canonical" href="{path}">' in page
        assert re.search(r'<meta name="description" content="[^"]{40,}">', page)
        assert re.search(r'<meta property="og:title" content="[^"]+">', page)
    assert len(titles) > 500
    assert titles.most_common(1)[0][1] == 1


def all_pages(client: TestClient) -> list[str]:
    """Down from the nation by the pages' own links."""
    found, more = ["/ppwp/hitung-suara"], ["/ppwp/hitung-suara"]
    while more:
        page = client.get(more.pop()).text
        below = re.findall(r'scope="row"><a href="(/ppwp/hitung-suara[^"]*)"', page)
        found += below
        more += [path for path in below if path.count("/") < 7]
    return found
