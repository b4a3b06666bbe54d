import csv
import datetime as dt
import gzip
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.loader.build import BuiltSnapshot, build_snapshot
from app.loader.election_file import FILE
from app.loader.kept import sha256_of
from app.loader.problems import FieldError, SourceError
from app.loader.tables import LARGEST_TABLE_BYTES, whole_number
from app.snapshot import Snapshot
from tests.stands.elections import PILPRES
from tests.stands.lua import LuaReader
from tests.stands.packs import unpack_snapshot
from tests.unit.app.conftest import SAMPLE
from tests.unit.app.naive import naive_documents

Rows = list[list[str]]


def source_with(target: Path, change: Callable[[Rows], None], table: str = "tps.csv.gz") -> Path:
    """The small sample with one of its tables changed."""
    target.mkdir()
    shutil.copy(SAMPLE / FILE, target)
    for file in SAMPLE.glob("*.csv.gz"):
        rows = list(csv.reader(io.StringIO(gzip.decompress(file.read_bytes()).decode())))
        if file.name == table:
            change(rows)
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        (target / file.name).write_bytes(gzip.compress(text.getvalue().encode()))
    return target


def set_field(row: int, column: int, value: str) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        rows[row - 1][column] = value

    return change


def test_every_document_is_what_the_slow_and_obvious_way_makes(built: BuiltSnapshot, snapshot_dir: Path) -> None:
    wanted = naive_documents(PILPRES, SAMPLE, built.as_of)
    snapshot = Snapshot(snapshot_dir)
    assert {address: snapshot.document(address) for address in wanted} == wanted
    assert built.documents == len(wanted)


def read(snapshot_dir: Path, address: str) -> Any:  # noqa: ANN401  # JSON
    return json.loads(Snapshot(snapshot_dir).document(f"/static/json/{address}") or b"")


def test_a_form_says_what_the_row_says_contradictions_included(snapshot_dir: Path) -> None:
    """Row 2 of the sample: -991304,1,…,508,108,616,3,619,1555751566."""
    form = Snapshot(snapshot_dir).document("/static/json/hhcw/ppwp/-99/-991302/-991303/-991304/900000001.json")
    assert form == (
        b'{"pemilih_j":null,"suara_sah":616,"ts":"2019-04-20 16:12:46","chart":{"21":508,"22":108},'
        b'"suara_tidak_sah":3,"suara_total":619,"images":[],"pengguna_j":619}'
    )


def test_a_region_with_nothing_entered_is_present_with_null(snapshot_dir: Path) -> None:
    nation = read(snapshot_dir, "hhcw/ppwp.json")
    assert nation["table"]["928068"] == {"21": None, "22": None}
    assert list(nation["table"])[-1] == "-99"


def test_abroad_is_marked_with_a_plus(snapshot_dir: Path) -> None:
    assert read(snapshot_dir, "wilayah/0.json")["-99"] == {"nama": "+Luar Negeri"}


def test_the_version_is_in_utc_and_the_counts_in_western_indonesian_time(snapshot_dir: Path) -> None:
    assert read(snapshot_dir, "version.json") == {"version": "2019-06-01 02:45:36"}
    assert read(snapshot_dir, "hhcw/ppwp.json")["ts"] == "2019-06-01 09:45:36"


def test_larger_documents_have_a_packed_form_that_holds_the_same_bytes(
    built: BuiltSnapshot, snapshot_dir: Path
) -> None:
    reader, counted = LuaReader(), {True: 0, False: 0}
    for address, body in naive_documents(PILPRES, SAMPLE, built.as_of).items():
        form, tag, _ = reader.packed(snapshot_dir, f"{address}.gz".encode())
        assert (form is not None) == (len(body) >= 1400)
        if form is not None:
            assert gzip.decompress(form) == body
            counted[b"-" in tag] += 1
    assert all(counted.values())  # stamped ones, and others


def test_the_same_input_gives_the_same_snapshot(built: BuiltSnapshot, tmp_path: Path) -> None:
    again = build_snapshot(SAMPLE, tmp_path)
    assert again.content == built.content
    for file in ("bodies-0", "keys", "places", "digests"):
        assert (again.directory / file).read_bytes() == (built.directory / file).read_bytes()


@pytest.mark.parametrize(
    ("row", "column", "value", "words"),
    [
        (5, 4, "12x", "row 5, votes_01: '12x' is not a whole number"),
        (5, 4, "-3", "row 5, votes_01: -3 is not between 0 and 999999"),
        (5, 8, "", "row 5, total_votes: is empty"),
        (5, 0, "17", "row 5, kelurahan_id: 17 is no kelurahan"),
        (5, 1, "1", "row 5, tps_number: 1 is in the kelurahan twice"),
        (9, 9, "1555751566000", "row 9, first_photo_unix_s: 1555751566000 is not between"),
    ],
)
def test_a_bad_field_is_named_and_nothing_is_written(
    tmp_path: Path, row: int, column: int, value: str, words: str
) -> None:
    source = source_with(tmp_path / "source", set_field(row, column, value))
    target = tmp_path / "dist"
    with pytest.raises(SourceError) as caught:
        build_snapshot(source, target)
    assert words in str(caught.value)
    assert not target.exists()


def test_a_kelurahan_whose_rows_are_apart_is_refused(tmp_path: Path) -> None:
    source = source_with(tmp_path / "source", lambda rows: rows.append([rows[1][0], "999", *rows[1][2:]]))
    with pytest.raises(SourceError, match="kelurahan_id: the rows of -991304 are not together"):
        build_snapshot(source, tmp_path)


def test_with_errors_allowed_the_station_stands_as_not_entered(tmp_path: Path, built: BuiltSnapshot) -> None:
    source = source_with(tmp_path / "source", set_field(5, 4, "12x"))
    snapshot = build_snapshot(source, tmp_path / "dist", allow_errors=True)
    assert len(snapshot.skipped) == 1
    assert (snapshot.stations, snapshot.entered) == (built.stations, built.entered - 1)


@pytest.mark.parametrize(
    ("row", "column", "value", "words"),
    [
        (4, 1, "5", "regions.csv.gz, row 4, parent_id: no region 5 comes before"),
        (4, 2, "4", "regions.csv.gz, row 4, depth: 4 under a region of depth 0"),
        (4, 0, "0", "regions.csv.gz, row 4, id: 0 is in the file twice"),
        (4, 3, " ", "regions.csv.gz, row 4, name: is empty"),
    ],
)
def test_a_bad_region_is_named(tmp_path: Path, row: int, column: int, value: str, words: str) -> None:
    source = source_with(tmp_path / "source", set_field(row, column, value), "regions.csv.gz")
    with pytest.raises(SourceError) as caught:
        build_snapshot(source, tmp_path / "dist")
    assert words in str(caught.value)


def test_a_truncated_file_is_damaged_not_shorter(tmp_path: Path) -> None:
    source = source_with(tmp_path / "source", lambda _: None)
    file = source / "tps.csv.gz"
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(SourceError, match="the file is damaged"):
        build_snapshot(source, tmp_path / "dist")


def test_a_missing_file_and_a_foreign_header_are_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no such file"):
        build_snapshot(tmp_path, tmp_path / "dist")
    source = source_with(tmp_path / "source", set_field(1, 4, "suara_01"))
    with pytest.raises(SourceError, match="row 1: the header must be kelurahan_id"):
        build_snapshot(source, tmp_path / "dist")


@pytest.mark.parametrize("digits", ["9" * 5000, "-" + "9" * 5000, "9" * 20, "-1"])
def test_a_number_of_any_length_is_a_problem_of_its_row(tmp_path: Path, digits: str) -> None:
    source = source_with(tmp_path / "source", set_field(5, 4, digits))
    with pytest.raises(SourceError, match="row 5") as caught:
        build_snapshot(source, tmp_path / "dist")
    assert len(str(caught.value)) < 200
    assert len(build_snapshot(source, tmp_path / "dist", allow_errors=True).skipped) == 1


@pytest.mark.parametrize(
    ("text", "number"), [("0" * 5000 + "7", 7), ("-" + "0" * 5000 + "7", -7), ("000", 0), ("-0", 0)]
)
def test_zeros_before_a_number_change_nothing(text: str, number: int) -> None:
    assert whole_number("id", text, -10, 10) == number


def test_a_word_of_any_length_is_a_short_problem() -> None:
    with pytest.raises(FieldError) as caught:
        whole_number("id", "x" * 100_000, -10, 10)
    assert len(str(caught.value)) < 100


NOW = dt.datetime(2019, 4, 17, 6, 0, tzinfo=dt.UTC)


def not_entered(rows: Rows) -> None:
    rows[1:] = [[*row[:4], "", "", "", "", "", ""] for row in rows[1:]]


def no_stations(rows: Rows) -> None:
    del rows[1:]


@pytest.mark.parametrize("change", [not_entered, no_stations])
def test_before_the_first_form_there_is_something_to_show(tmp_path: Path, change: Callable[[Rows], None]) -> None:
    source = source_with(tmp_path / "source", change)
    snapshot = build_snapshot(source, tmp_path / "dist", now=NOW)
    assert (snapshot.as_of, snapshot.entered) == (NOW, 0)
    count = read(unpack_snapshot(snapshot, tmp_path), "hhcw/ppwp.json")
    assert count["chart"] == {"21": None, "22": None}
    assert set(count["table"]) == {"41863", "74716", "928068", "-99"}


def test_a_form_from_the_future_does_not_date_the_whole_count(tmp_path: Path) -> None:
    source = source_with(tmp_path / "source", set_field(9, 9, "4070908800"))  # the year 2099
    with pytest.raises(SourceError, match="row 9, first_photo_unix_s: 4070908800 is not between 0 and "):
        build_snapshot(source, tmp_path / "dist")


def test_what_is_published_is_what_was_checked(tmp_path: Path) -> None:
    """The table is replaced by one with half its rows damaged as soon as it has been read."""
    source = source_with(tmp_path / "source", lambda _: None)
    halved = source_with(tmp_path / "halved", lambda rows: rows.__setitem__(slice(200, None), [["x"]] * 200))

    def replace(part: str, *_: int) -> None:
        if part == "adding up":
            (halved / "tps.csv.gz").replace(source / "tps.csv.gz")

    built = build_snapshot(source, tmp_path / "dist", progress=replace)
    assert (built.name, built.entered) == (build_snapshot(SAMPLE, tmp_path / "right").name, 373)
    with pytest.raises(SourceError, match="row 201: 1 fields instead of 10"):
        build_snapshot(source, tmp_path / "later")


def test_two_builds_at_once_in_one_folder_do_not_touch_each_other(tmp_path: Path) -> None:
    other = source_with(tmp_path / "other", set_field(2, 4, "7"))
    inner: list[BuiltSnapshot] = []

    def meanwhile(part: str, *_: int) -> None:
        if part == "writing":
            inner.append(build_snapshot(other, tmp_path / "dist"))

    outer = build_snapshot(SAMPLE, tmp_path / "dist", progress=meanwhile)
    for built in (outer, *inner):
        manifest = json.loads((built.directory / "snapshot.json").read_bytes())
        assert {file: sha256_of(built.directory / file) for file in manifest["files"]} == manifest["files"]
    assert sorted(path.name for path in (tmp_path / "dist").iterdir()) == sorted([outer.name, inner[0].name])


def test_a_table_that_unpacks_to_more_than_any_count_is_refused(tmp_path: Path) -> None:
    source = source_with(tmp_path / "source", lambda _: None)
    zeros = gzip.compress(bytes(2**20), 9)
    (source / "tps.csv.gz").write_bytes(zeros * (LARGEST_TABLE_BYTES // 2**20 + 1))
    with pytest.raises(SourceError, match="unpacks to more than"):
        build_snapshot(source, tmp_path / "dist")


def test_stations_abroad_by_post_and_with_travelling_boxes_have_their_own_names(tmp_path: Path) -> None:
    def renumber(rows: Rows) -> None:
        for row, number in ((1, "1701"), (2, "2712"), (3, "2000")):
            rows[row][1] = number

    snapshot = unpack_snapshot(build_snapshot(source_with(tmp_path / "source", renumber), tmp_path / "dist"), tmp_path)
    named = read(snapshot, "wilayah/-99/-991302/-991303/-991304.json")
    assert [entry["nama"] for entry in named.values()][:3] == ["POS 701", "KSK 712", "POS 1000"]


def test_what_abroad_consists_of_is_also_where_some_clients_read_it(snapshot_dir: Path) -> None:
    assert read(snapshot_dir, "wilayah/ln.json") == read(snapshot_dir, "wilayah/-99.json") != {}
