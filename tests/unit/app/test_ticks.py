"""A snapshot made of another one is, document by document, what it is made from nothing: for any sequence of ticks."""

import datetime as dt
import gzip
import hashlib
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.loader import made
from app.loader.announcement import Announcement
from app.loader.build import BuiltSnapshot, build_snapshot
from app.loader.kept import MADE
from app.loader.made import read_made
from app.loader.pack_index import Index
from app.pack import Pack
from tests.stands.elections import PILPRES
from tests.thorough import examples
from tests.unit.app.naive import naive_documents
from tests.unit.app.test_columns import FORM, REGIONS, TIME, rows_of, write_source

NOW = dt.datetime(2020, 9, 13, 12, 26, 40, tzinfo=dt.UTC)
PLACES = st.tuples(*(rows_of(region) for region in (4, -96, 5))).map(
    lambda parts: [row for part in parts for row in part]
)
TICK = st.lists(st.tuples(st.integers(0, 30), FORM, TIME), max_size=5)


def build(directory: Path, rows: list[list[str]], number: int, previous: Path | None = None) -> BuiltSnapshot:
    source = directory / f"source-{number}"
    source.mkdir(exist_ok=True)
    write_source(source, rows)
    later = NOW + dt.timedelta(minutes=15 * number)
    return build_snapshot(source, directory / f"dist-{previous is None}", now=later, previous=previous)


def documents(built: BuiltSnapshot, source: Path) -> dict[str, bytes | None]:
    pack = Pack(built.directory)
    return {address: pack.read(address) for address in naive_documents(PILPRES, source, built.as_of)}


def changed(rows: list[list[str]], tick: list[tuple[int, tuple[str, ...], str]]) -> list[list[str]]:
    rows = [list(row) for row in rows]
    for at, form, time in tick:
        if at < len(rows):
            rows[at][4:] = [*form, time]
    return rows


@examples(40)
@given(PLACES.filter(bool), st.lists(TICK, min_size=1, max_size=4))
def test_after_any_ticks_it_is_what_it_is_from_nothing(
    rows: list[list[str]], ticks: list[list[tuple[int, tuple[str, ...], str]]]
) -> None:
    # So small ones are soon half out of use; of that there is a test of its own.
    with tempfile.TemporaryDirectory() as text, pytest.MonkeyPatch.context() as patch:
        patch.setattr(made, "LEAST_IN_USE", 0)
        directory = Path(text)
        built = build(directory, rows, 0)
        for number, tick in enumerate(ticks, 1):
            rows = changed(rows, tick)
            before, built = built, build(directory, rows, number, built.directory)
            again = build(directory, rows, number)
            assert built.content == again.content
            if built.name != before.name:
                assert built.made_of == before.name
            source = directory / f"source-{number}"
            assert documents(built, source) == naive_documents(PILPRES, source, built.as_of)
            assert len(Pack(built.directory)) == len(Pack(again.directory))


def row(number: int, votes: str = "", time: str = "") -> list[str]:
    form = (votes, "0", votes, "0", votes) if votes else ("",) * 5
    return ["4", str(number), "-1", "-1", *form, time]


ROWS = [row(1, "10", "1555555555"), row(2), ["5", *row(1)[1:]]]
TICKED = [row(1, "10", "1555555555"), row(2, "7", "1555556000"), ["5", *row(1)[1:]]]


def times(built: BuiltSnapshot, *addresses: str) -> list[int]:
    index = Index.read(built.directory)
    keys = [int.from_bytes(hashlib.sha256(address.encode()).digest()[:8], "little") for address in addresses]
    return [int(index.times[index.keys.tolist().index(key)]) for key in keys]


FIRST, SECOND = (f"/static/json/hhcw/ppwp/1/2/3/4/90000000{n}.json" for n in (1, 2))


def test_what_has_not_changed_keeps_its_time_and_its_place(tmp_path: Path) -> None:
    first = build(tmp_path, ROWS, 0)
    second = build(tmp_path, TICKED, 1, first.directory)
    assert second.made_of == first.name
    assert times(second, FIRST, SECOND) == [int(NOW.timestamp()), int(NOW.timestamp()) + 900]
    assert (second.directory / "bodies-0").samefile(first.directory / "bodies-0")
    assert (second.directory / "bodies-1").stat().st_size < (first.directory / "bodies-0").stat().st_size / 2
    assert second.documents < first.documents


def test_the_times_stay_also_where_a_snapshot_is_made_from_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made, "MOST_SEGMENTS", 1)
    first = build(tmp_path, ROWS, 0)
    second = build(tmp_path, TICKED, 1, first.directory)
    assert second.made_of is None
    assert times(second, FIRST, SECOND) == [int(NOW.timestamp()), int(NOW.timestamp()) + 900]


def test_a_clock_that_went_back_makes_nothing_older(tmp_path: Path) -> None:
    first = build(tmp_path, ROWS, 5)
    second = build(tmp_path, TICKED, 1, first.directory)
    assert times(second, FIRST, SECOND) == [Pack(first.directory).modified, Pack(first.directory).modified + 1]


def test_a_snapshot_that_is_mostly_out_of_use_is_made_from_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made, "LEAST_IN_USE", 0.99)
    first = build(tmp_path, ROWS, 0)
    second = build(tmp_path, TICKED, 1, first.directory)
    third = build(tmp_path, [*ROWS[:2], ["5", *row(1, "3", "1555556001")[1:]]], 2, second.directory)
    assert (second.made_of, third.made_of) == (first.name, None)


def test_what_is_shown_again_has_become_so_again(tmp_path: Path) -> None:
    """A client that asks whether anything has changed since the second is to be told of the first."""
    first = build(tmp_path, ROWS, 0)
    second = build(tmp_path, TICKED, 1, first.directory)
    again = build_snapshot(tmp_path / "source-0", tmp_path / "dist-True", now=NOW, previous=second.directory)
    assert again.name != first.name
    assert times(again, SECOND) > times(second, SECOND)
    assert build(tmp_path, ROWS, 0, again.directory).name == again.name


def test_a_correction_says_so_in_the_version_and_is_a_snapshot_of_its_own(tmp_path: Path) -> None:
    first = build(tmp_path, ROWS, 0)
    said = build_snapshot(
        tmp_path / "source-0",
        tmp_path / "dist",
        now=NOW,
        previous=first.directory,
        announcement=Announcement("Formulir ditarik."),
    )
    told = {"at": "2020-09-13 12:26:40", "reason": "Formulir ditarik."}
    assert json.loads((said.directory / "snapshot.json").read_bytes())["correction"] == told
    version = json.loads(Pack(said.directory).read("/static/json/version.json") or b"")
    assert (version["correction"], said.name == first.name) == (told, False)


@pytest.mark.parametrize(
    "what",
    [
        "keys",
        "digests",
        "times",
        "places",
        f"{MADE}/stations.arrow",
        f"{MADE}/regions.arrow",
        f"{MADE}/state.json",
        "snapshot.json",
    ],
)
@pytest.mark.parametrize("how", ["altered", "gone", "cut"])
def test_of_a_snapshot_that_is_not_whole_none_is_made(tmp_path: Path, what: str, how: str) -> None:
    first = build(tmp_path, ROWS, 0)
    path = first.directory / what
    text = bytearray(path.read_bytes())
    text[len(text) // 2] ^= 1
    path.unlink()
    if how != "gone":
        path.write_bytes(text if how == "altered" else text[: len(text) // 2])
    second = build(tmp_path, TICKED, 1, first.directory)
    assert second.made_of is None or (what, how) == ("snapshot.json", "altered")
    source = tmp_path / "source-1"
    assert documents(second, source) == naive_documents(PILPRES, source, second.as_of)


def test_other_code_makes_it_from_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = build(tmp_path, ROWS, 0)
    assert read_made(first.directory) is not None
    monkeypatch.setattr(made, "code_digest", lambda: "other")
    assert build(tmp_path, TICKED, 1, first.directory).made_of is None


@pytest.mark.parametrize(
    ("rows", "regions"),
    [
        (ROWS[:2], REGIONS),
        ([*ROWS, ["5", *row(2)[1:]]], REGIONS),
        ([ROWS[0], row(3), ROWS[2]], REGIONS),
        (TICKED, REGIONS.replace("DESA DUA", "DESA TIGA")),
    ],
)
def test_other_stations_or_regions_make_it_from_nothing(tmp_path: Path, rows: list[list[str]], regions: str) -> None:
    first = build(tmp_path, ROWS, 0)
    source = tmp_path / "source"
    source.mkdir()
    write_source(source, rows)
    (source / "regions.csv.gz").write_bytes(gzip.compress(regions.encode()))
    second = build_snapshot(source, tmp_path / "dist", now=NOW, previous=first.directory)
    assert second.made_of is None
    assert documents(second, source) == naive_documents(PILPRES, source, second.as_of)
