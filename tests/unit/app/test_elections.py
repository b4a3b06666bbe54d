"""Any election, described in election.toml: what is refused, and what is published of elections of every sort."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.addresses import Kind, read_address
from app.colours import DARK_PAPER, ENOUGH, LIGHT_PAPER, contrast, on_dark, on_light, read_colour
from app.election import Election, read_election
from app.generate.__main__ import generate
from app.loader import build
from app.loader.build import build_snapshot
from app.loader.election_file import FILE, read_election_file
from app.loader.packing import Documents, PackError
from app.loader.problems import SourceError
from app.pack import Pack
from app.snapshot import Snapshot
from tests.stands.elections import ELECTION_TEXT, LEGISLATIVE, PILPRES, PILPRES_2024
from tests.stands.lab import PROJECT
from tests.stands.packs import table, unpack_snapshot
from tests.stands.pages import service_of
from tests.unit.app.naive import naive_documents
from tests.unit.app.naive_2024 import naive_documents_2024

ELECTIONS = {"kpu-2019": PILPRES, "kpu-2024": PILPRES_2024, "legislatif": LEGISLATIVE}


def refused(text: bytes) -> str:
    with pytest.raises(SourceError) as caught:
        read_election_file(text, FILE)
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b'code = "ppwp"', b'code = "PPWP"', "election.toml, code: 'PPWP' is not two to eight small letters"),
        (b'code = "ppwp"', b'code = "version"', "code: 'version' is not two to eight"),
        (b'layouts = ["2019"]', b'layouts = ["2014"]', "layouts.0: Input should be '2019' or '2024'"),
        (b'layouts = ["2019"]', b'layouts = ["2024"]', 'layouts: must be ["2019"], of which pages are made'),
        (b'layouts = ["2019"]', b'layouts = ["2019", "2019"]', "layouts: must be"),
        (b"T13:00:00+07:00", b"T13:00:00", "opens: must say its offset"),
        (b'key = "22"', b'key = "21"', "candidates: the key 21 is there twice"),
        (b"number = 2", b"number = 1", "candidates.1.number: 1 is not in the ballot's order"),
        (b"number = 2", b'number = "zwei"', "candidates.1.number: Input should be a valid integer"),
        (b"#1F6FEB", b"blue", "candidates.1.colour: 'blue' is not #RRGGBB"),
        (b'key = "22"', b'key = "x22"', "candidates.1.key: 'x22' is not one to nine digits"),
        (b'name = "H. PRABOWO', b'name = "\\u202e', "candidates.1.name: "),
        (b'key = "22"\n', b"", "candidates.1.key: "),
        (b'code = "ppwp"', b'code = "ppwp"\ncolour = "red"', "colour: is no key of an election"),
        (b'code = "ppwp"', b'code = "ppwp"\nabroad = 0', "abroad: must be an id"),
        (b'code = "ppwp"', b"code = ppwp", "election.toml: is no TOML (Invalid value (at line"),
        (b'code = "ppwp"', b'code = "\xff"', "election.toml: is no TOML ("),
        (b'code = "ppwp"', b'code = "ppwp"\nlevels = ["a", "b"]', "levels"),
    ],
)
def test_what_describes_no_election_is_refused_by_its_key(old: bytes, new: bytes, why: str) -> None:
    assert old in ELECTION_TEXT
    said = refused(ELECTION_TEXT.replace(old, new))
    assert why in said
    assert "\n\n" not in said


def test_one_candidate_alone_and_far_too_long_a_file_are_refused() -> None:
    assert "must be two to 99" in refused(ELECTION_TEXT[: ELECTION_TEXT.rindex(b"[[candidates]]")])
    assert "more than" in refused(ELECTION_TEXT + b"#" * 2**20)


@pytest.mark.parametrize("election", ELECTIONS.values())
def test_what_the_manifest_says_is_the_election(election: Election) -> None:
    assert read_election(json.loads(json.dumps(election.document()))) == election


def generated(directory: Path, name: str, *, seed: int = 1, stations: int = 300, entered: float = 0.7) -> Path:
    text = (PROJECT / "samples" / name / FILE).read_bytes()
    generate(directory, text, stations=stations, entered=entered, seed=seed)
    return directory


@pytest.mark.parametrize("name", ELECTIONS)
@pytest.mark.parametrize(("seed", "entered"), [(1, 0.7), (2, 1.0), (3, 0.0)])
def test_the_documents_of_any_election_are_what_the_slow_and_obvious_way_makes(
    tmp_path: Path, name: str, seed: int, entered: float
) -> None:
    election = ELECTIONS[name]
    source = generated(tmp_path / "source", name, seed=seed, entered=entered)
    built = build_snapshot(source, tmp_path / "dist")
    wanted = naive_documents(election, source, built.as_of)
    if election.is_sirekap:
        wanted |= naive_documents_2024(election, source, built.as_of)
    pack = Pack(built.directory)
    assert {address: pack.read(address) for address in wanted} == wanted
    assert built.documents == len(wanted)
    assert {address for address in wanted if read_address(address) is None} == set()


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path: Path) -> None:
    one, two, three = (generated(tmp_path / str(n), "kpu-2024", seed=seed) for n, seed in enumerate((1, 1, 2)))
    texts = [{file.name: file.read_bytes() for file in directory.iterdir()} for directory in (one, two, three)]
    assert texts[0] == texts[1]
    assert texts[0]["tps.csv.gz"] != texts[2]["tps.csv.gz"]


def test_what_is_generated_has_the_oddities_of_real_tables(tmp_path: Path) -> None:
    source = generated(tmp_path / "source", "kpu-2019", stations=20_000)
    snapshot = Snapshot(unpack_snapshot(build_snapshot(source, tmp_path / "dist"), tmp_path))
    remarks = snapshot.own_progress(()).remarks
    assert remarks is not None
    assert all(remarks.rules.values())
    rows = gzip.decompress((source / "tps.csv.gz").read_bytes()).decode().splitlines()
    assert any(row.endswith(",") and ",,,,," not in row for row in rows)
    assert any(",-1,-1," in row for row in rows)
    assert {"POS 1", "KSK 1"} <= {name for _, name in all_names(snapshot, (-99,))}


def all_names(snapshot: Snapshot, region: tuple[int, ...]) -> list[tuple[int, str]]:
    found = list(snapshot.names(region).items())
    return found + [
        each for child, _ in found for each in (all_names(snapshot, (*region, child)) if len(region) < 4 else [])
    ]


def test_a_tick_of_both_layouts_is_what_a_build_from_nothing_is(tmp_path: Path) -> None:
    """Later figures of the same election: what was made of the one before equals what is made anew."""
    for name in ("kpu-2024", "legislatif"):
        sources = [
            generated(tmp_path / name / str(share), name, stations=400, entered=share)
            for share in (0.0, 0.2, 0.21, 0.9)
        ]
        built = [build_snapshot(sources[0], tmp_path / name / "dist")]
        for source in sources[1:]:
            built.append(build_snapshot(source, tmp_path / name / "dist", previous=built[-1].directory))
            assert built[-1].made_of == built[-2].name
            assert built[-1].content == build_snapshot(source, tmp_path / name / "anew").content


def records() -> dict[str, Any]:
    lines = gzip.decompress((PROJECT / "tests/data/sirekap-2024.jsonl.gz").read_bytes()).splitlines()
    return {each["kode"]: each["record"] for each in map(json.loads, lines)}


def test_real_records_of_2024_are_published_as_they_were(tmp_path: Path) -> None:
    """To the byte, but for the scans, which are not here, and for `mode`, which only some had."""
    pack = Pack(build_snapshot(PROJECT / "samples/kpu-2024", tmp_path).directory)
    differ = 0
    for code, record in records().items():
        record.pop("mode", None)
        wanted = json.dumps({**record, "images": [None] * 3}, separators=(",", ":")).encode()
        path = "/".join([code[:2], code[:4], code[:6], code[:10], code])
        body = pack.read(f"/pemilu/hhcw/ppwp/{path}.json")
        if record["chart"] == {"null": None}:  # said to be entered, without a vote for anybody
            differ += 1
            record |= {"chart": None, "status_suara": False}
            wanted = json.dumps({**record, "images": [None] * 3}, separators=(",", ":")).encode()
        assert body == wanted
    assert differ <= 1


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("/wilayah/pemilu/ppwp/0.json", Kind.SIREKAP),
        ("/wilayah/pemilu/ppwp/31/3101/310101/3101011001.json", Kind.SIREKAP),
        ("/pemilu/hhcw/ppwp.json", Kind.SIREKAP),
        ("/pemilu/hhcw/pdpr/31/3101/310101/3101011001/3101011001001.json", Kind.SIREKAP),
        ("/pemilu/ppwp.json", Kind.SIREKAP),
        ("/static/json/dprri.json", Kind.CANDIDATES),
        ("/static/json/version.json", Kind.FILE),
        ("/index.html", Kind.PAGE),
        ("/wilayah/pemilu/ppwp.json", None),
        ("/wilayah/pemilu/ppwp/31/3101/310101/3101011001/3101011001001.json", None),
        ("/pemilu/hhcw/ppwp/3101.json", None),
        ("/pemilu/hhcw/ppwp/31/310101.json", None),
        ("/pemilu/hhcw/ppwp/0.json", None),
        ("/pemilu/PPWP.json", None),
        ("/pemilu/hhcw/ppwp/٣١.json", None),
        ("/a/hitung-suara", None),
    ],
)
def test_addresses_of_each_layout(address: str, kind: Kind | None) -> None:
    known = read_address(address)
    assert (known and known.kind) == kind


@pytest.mark.parametrize("name", ["kpu-2024", "legislatif"])
def test_the_site_shows_the_election_that_the_snapshot_is_of(tmp_path: Path, name: str) -> None:
    election = ELECTIONS[name]
    built = build_snapshot(generated(tmp_path / "source", name), tmp_path / "dist")
    client = TestClient(service_of(unpack_snapshot(built, tmp_path), tmp_path).application())
    page = client.get(f"/{election.code}/hitung-suara")
    assert page.status_code == 200
    assert f"Hitung Suara · {election.name}" in page.text
    assert all(candidate.name.split(" - ")[0].split(",")[0] in page.text for candidate in election.candidates)
    assert "2019" not in re.sub(r"<(style|script)>.*?</\1>", "", page.text, flags=re.DOTALL)
    for other in ("/", "/index.html", f"/{election.code}/hitung-suara/"):
        assert client.get(other).text == page.text
    assert client.get("/other/hitung-suara").status_code == 404
    assert client.get("/version").json()["election"] == election.code
    document = client.get(f"/pemilu/hhcw/{election.code}.json")
    assert document.headers["access-control-allow-origin"] == "*"
    assert list(document.json()["chart"]) == [*election.keys, "persen"]
    missing = client.get(f"/pemilu/hhcw/{election.code}/10.json")
    assert (missing.status_code, missing.json()) == (404, {"error": 404})
    assert missing.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("colour", ["#000000", "#FFFFFF", "#8CB9BD", "#FFE600", "#101010", "#808080", "#B3261E"])
def test_a_colour_can_be_read_by_day_and_by_night(colour: str) -> None:
    assert contrast(read_colour(on_light(colour)), LIGHT_PAPER) >= ENOUGH
    assert contrast(read_colour(on_dark(colour)), DARK_PAPER) >= ENOUGH
    assert round(contrast(LIGHT_PAPER, (0, 0, 0))) == 21


def test_what_can_be_read_stays_as_it_is() -> None:
    assert on_light("#B3261E") == "#b3261e"
    assert on_dark("#FFE600") == "#ffe600"


def test_a_document_that_says_nothing_ends_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def with_nothing(*_: object) -> list[Documents]:
        return [table({"/a.json": b"{}", "/b.json": None})]

    monkeypatch.setattr(build, "every_document", with_nothing)
    with pytest.raises(PackError, match=r"^/b\.json says nothing$"):
        build_snapshot(PROJECT / "samples/kpu-2024", tmp_path)
    assert list(tmp_path.iterdir()) == []
