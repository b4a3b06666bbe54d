import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from app.loader.build import BuiltSnapshot, build_snapshot
from app.loader.problems import FieldError, SourceError
from app.loader.tables import whole_number
from tests.unit.app.conftest import SAMPLE

Rows = list[list[str]]


def source_with(target: Path, change: Callable[[Rows], None], table: str = "tps.csv.gz") -> Path:
    """The small sample with one of its tables changed."""
    target.mkdir()
    for file in SAMPLE.iterdir():
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


def test_totals_of_every_level_are_the_sums_of_the_level_below(snapshot_dir: Path) -> None:
    root = snapshot_dir / "static/json/hhcw"
    checked = 0
    for file in [root / "ppwp.json", *root.rglob("ppwp/**/*.json")]:
        count = json.loads(file.read_bytes())
        if "table" not in count:
            continue
        parts = [json.loads(part.read_bytes()) for part in file.with_suffix("").glob("*.json")]
        if parts and "progress" in parts[0]:
            assert count["progress"]["total"] == sum(part["progress"]["total"] for part in parts)
            assert count["progress"]["proses"] == sum(part["progress"]["proses"] for part in parts)
        for key in ("21", "22"):
            assert (count["chart"][key] or 0) == sum(part["chart"][key] or 0 for part in parts)
            assert (count["chart"][key] or 0) == sum(row[key] or 0 for row in count["table"].values())
        checked += 1
    assert checked == 72


def test_a_form_says_what_the_row_says_contradictions_included(snapshot_dir: Path) -> None:
    """Row 2 of the sample: -991304,1,…,508,108,616,3,619,1555751566."""
    file = snapshot_dir / "static/json/hhcw/ppwp/-99/-991302/-991303/-991304/900000001.json"
    assert file.read_bytes() == (
        b'{"pemilih_j":null,"suara_sah":616,"ts":"2019-04-20 16:12:46","chart":{"21":508,"22":108},'
        b'"suara_tidak_sah":3,"suara_total":619,"images":[],"pengguna_j":null}'
    )


def test_a_region_with_nothing_entered_is_present_with_null(snapshot_dir: Path) -> None:
    nation = json.loads((snapshot_dir / "static/json/hhcw/ppwp.json").read_bytes())
    assert nation["table"]["928068"] == {"21": None, "22": None}
    assert list(nation["table"])[-1] == "-99"


def test_abroad_is_marked_with_a_plus(snapshot_dir: Path) -> None:
    names = json.loads((snapshot_dir / "static/json/wilayah/0.json").read_bytes())
    assert names["-99"] == {"nama": "+Luar Negeri"}


def test_the_version_is_in_utc_and_the_counts_in_western_indonesian_time(snapshot_dir: Path) -> None:
    version = json.loads((snapshot_dir / "static/json/version.json").read_bytes())
    nation = json.loads((snapshot_dir / "static/json/hhcw/ppwp.json").read_bytes())
    assert version == {"version": "2019-06-01 02:45:36"}
    assert nation["ts"] == "2019-06-01 09:45:36"


def test_packed_files_hold_the_same_bytes(snapshot_dir: Path) -> None:
    packed = list(snapshot_dir.rglob("*.gz"))
    assert packed
    for file in packed:
        assert gzip.decompress(file.read_bytes()) == file.with_suffix("").read_bytes()


def test_the_same_input_gives_the_same_archive(built: BuiltSnapshot, tmp_path: Path) -> None:
    again = build_snapshot(SAMPLE, tmp_path)
    assert (again.name, again.sha256) == (built.name, built.sha256)


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
