"""A table's text: what is accepted since it has one reading, what is refused, and how it is said."""

import csv
import gzip
import io
import random
import resource
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.loader.build import BuiltSnapshot, build_snapshot
from app.loader.problems import SHOWN, Kind, Problem, Report, SourceError
from app.loader.tables import LARGEST_TABLE_ROWS, as_text, read_rows, unpack
from tests.unit.app.test_sources import TEXTS, source_of

MOJIBAKE = "id,parent_id,depth,name\n0,,0,Nusantara\n1,0,1,Acèh\n"
Rows = list[list[str]]


def refused(tmp_path: Path, **tables: bytes) -> str:
    with pytest.raises(SourceError) as caught:
        build_snapshot(source_of(tmp_path / "source", **tables), tmp_path / "dist")
    assert not (tmp_path / "dist").exists()
    return str(caught.value)


def changed(table: str, row: int, column: int, value: str) -> bytes:
    rows = list(csv.reader(io.StringIO(TEXTS[table].decode())))
    rows[row - 1][column] = value
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def packed(text: bytes) -> bytes:
    """Packed at no time of day: the tests' names are made of it."""
    return gzip.compress(text, mtime=0)


ACCEPTED: dict[str, Callable[[bytes], bytes]] = {
    "BOM": lambda text: b"\xef\xbb\xbf" + text,
    "CRLF": lambda text: text.replace(b"\n", b"\r\n"),
    "some CRLF": lambda text: text.replace(b"\n", b"\r\n", 3),
    "no end of the last line": lambda text: text[:-1],
    "quotes": lambda text: b"".join(b'"' + line.replace(b",", b'","') + b'"\n' for line in text.splitlines()),
}


@pytest.mark.parametrize("table", ["regions", "tps"])
@pytest.mark.parametrize(
    "change",
    ACCEPTED.values(),
    ids=ACCEPTED.keys(),
)
def test_what_has_one_reading_is_accepted(
    tmp_path: Path, table: str, change: Callable[[bytes], bytes], built: BuiltSnapshot
) -> None:
    source = source_of(tmp_path / "source", **{f"{table}_csv": change(TEXTS[table])})
    assert build_snapshot(source, tmp_path / "dist").content == built.content


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "t: is empty"),
        (MOJIBAKE.encode("utf-16"), "t: is UTF-16: save it as UTF-8"),
        (
            MOJIBAKE.encode("latin-1"),
            "t, row 3: the byte 0xe8 is no UTF-8 (invalid continuation byte): save the table as",
        ),
        (b"a\n" * 100_000 + b"b\xff", "t, row 100001: the byte 0xff is no UTF-8 (invalid start byte): save"),
        (b"a\n" * 32_767 + b"b" + "é".encode() + b"\n\xc3", "t, row 32769: the byte 0xc3 is no UTF-8 (unexpected end"),
        (b"a\nb\rc\n", "t, row 2: a carriage return without a line feed after it: save it"),
        (b"a\rb\rc\r", "t, row 1: a carriage return without"),
        (packed(b"a\n"), "t: is no text, but packed by gzip: its name must end with .gz"),
        (b"PAR1\0\0", "t: is no text, but Parquet: name it so"),
        (b"\n" * (LARGEST_TABLE_ROWS + 2), f"t: has more than {LARGEST_TABLE_ROWS} rows"),
    ],
)
def test_what_has_more_than_one_reading_is_refused(text: bytes, words: str) -> None:
    with pytest.raises(SourceError) as caught:
        as_text("t", text)
    assert str(caught.value).startswith(words)


def test_a_sign_that_lies_across_two_pieces_is_read() -> None:
    text = b"a" * (2**16 - 1) + "é".encode()
    assert as_text("t", text) == text


@pytest.mark.parametrize(
    ("header", "lines"),
    [
        ("id,parent,depth,name", ["parent_id: the column is missing", "the column 'parent' is unknown"]),
        ("id,parent_id,depth", ["name: the column is missing"]),
        ("id,parent_id,depth,name,name", ["name: the column is there 2 times"]),
        ("id,parent_id,depth,name,kode", ["the column 'kode' is unknown"]),
        ("id,parent_id,depth,name,", ["the column '' is unknown"]),
        ("id,parent_id,name,depth", ["the columns are in another order: id,parent_id,name,depth"]),
        ("id;parent_id;depth;name", ["its columns are separated by ';': save it with commas"]),
        ("id\tparent_id\tdepth\tname", ["its columns are separated by '\\t': save it with commas"]),
    ],
)
def test_a_header_is_refused_with_the_columns_that_are_wrong(tmp_path: Path, header: str, lines: list[str]) -> None:
    text = TEXTS["regions"].replace(b"id,parent_id,depth,name", header.encode(), 1)
    found = refused(tmp_path, regions_csv=text).splitlines()[1:]
    assert found[0] == "regions.csv, row 1: the header must be id,parent_id,depth,name"
    assert [
        line.removeprefix("regions.csv, row 1: ").removeprefix("regions.csv, row 1, ") for line in found[1:]
    ] == lines


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (4, "5\0", r"votes_01: '5\x00' is not a whole number"),
        (4, "5\n", r"votes_01: '5\n' is not a whole number"),
        (4, '=HYPERLINK("x")', "votes_01: '=HYPERLINK(\"x\")' is not a whole number"),
        (4, "5.0", "votes_01: '5.0' is not a whole number"),
        (4, "1e3", "votes_01: '1e3' is not a whole number"),
        (4, "٥", "votes_01: '٥' is not a whole number"),
        (4, "\x1b[2J", r"votes_01: '\x1b[2J' is not a whole number"),
        (0, "", "kelurahan_id: is empty"),
        (1, "", "tps_number: is empty"),
        (2, "", "registered_male: is empty"),
        (0, "9" * 5000, "kelurahan_id: " + "9" * 40 + " is not between"),
        (0, "0" * 5000 + "17", "kelurahan_id: 17 is no kelurahan"),
    ],
)
@pytest.mark.parametrize("row", [2, 7])
def test_a_station_that_does_not_fit_is_refused_by_its_field(
    tmp_path: Path, row: int, column: int, value: str, words: str
) -> None:
    assert refused(tmp_path, tps_csv=changed("tps", row, column, value)).startswith(f"tps.csv, row {row}, {words}")


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (3, "A\0B", r"name: 'A\x00B' has a sign that can't be seen, U+0000"),
        (3, "A\nB", r"name: 'A\nB' has a sign that can't be seen, U+000A"),
        (3, "A\u202eB", r"name: 'A\u202eB' has a sign that can't be seen, U+202E"),
        (3, "\ufeffA", r"name: '\ufeffA' has a sign that can't be seen, U+FEFF"),
        (3, "=1+1", "name: '=1+1' begins as a formula does"),
        (3, "+Luar Negeri", "name: '+Luar Negeri' begins as a formula does"),
        (3, "A" * 101, f"name: '{'A' * 40}' goes on: it has more than 100 signs"),
        (0, "-99", "id: -99 is in the file twice"),
        (1, "0" * 5000 + "5", "parent_id: no region 5 comes before this one"),
    ],
)
def test_a_region_that_does_not_fit_is_refused_by_its_field(
    tmp_path: Path, column: int, value: str, words: str
) -> None:
    found = refused(tmp_path, regions_csv=changed("regions", 5, column, value))
    assert f"regions.csv, row 5, {words}" in found


def test_abroad_is_nowhere_but_under_the_nation(tmp_path: Path) -> None:
    text = TEXTS["regions"].replace(b"\n-99,0,1,", b"\n-9,0,1,").replace(b",-99,2,", b",-9,2,")
    assert "-99): that is a part of the nation" in refused(tmp_path, regions_csv=text + b"-99,41863,2,Luar\n")


def test_a_row_is_named_by_the_line_on_which_it_begins(tmp_path: Path) -> None:
    lines = TEXTS["tps"].splitlines()
    lines[3] = lines[3].replace(b",", b',"\n\n",', 1)
    lines[9] = b"x"
    found = refused(tmp_path, tps_csv=b"\n".join(lines))
    assert "tps.csv, row 4: 11 fields instead of 10" in found
    assert "tps.csv, row 12: 1 fields instead of 10" in found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b'a\n1\n"2\n3\n', "t, row 3: the file is damaged (unexpected end"),
        (b'a\n"1"2\n', "t, row 2: the file is damaged"),
    ],
)
def test_a_quote_that_is_not_closed_is_damage(text: bytes, words: str) -> None:
    with pytest.raises(SourceError) as caught:
        list(read_rows("t", text, ("a",)))
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize("number", [b"2", b'"2"'], ids=["as columns", "row by row"])
def test_a_kelurahan_that_is_written_in_two_ways_is_one(tmp_path: Path, number: bytes, built: BuiltSnapshot) -> None:
    twice = TEXTS["tps"].replace(b"\n-991304,2,", b"\n-00991304," + number + b",")
    assert twice != TEXTS["tps"]
    assert build_snapshot(source_of(tmp_path / "source", tps_csv=twice), tmp_path / "dist").content == built.content


def test_gzip_files_after_each_other_and_padding_are_one_table() -> None:
    assert unpack("t", packed(b"a") + packed(b"b") + bytes(2**17) + packed(b"c")) == b"abc"


@pytest.mark.parametrize(
    "packed",
    [
        packed(b"a" * 1000)[:-1],
        packed(b"a") + b"x",
        packed(b"a") + packed(b"b")[:8],
        packed(b"a")[:-8] + bytes(8),
        b"\0" + packed(b"a"),
        b"no gzip",
    ],
)
def test_gzip_that_is_cut_or_followed_by_something_else_is_damage(packed: bytes) -> None:
    with pytest.raises(SourceError, match="t: the file is damaged"):
        unpack("t", packed)


def test_a_million_gzip_files_after_each_other_end_quickly() -> None:
    began = time.process_time()
    with pytest.raises(SourceError, match="t: is more than 10000 gzip files after each other"):
        unpack("t", packed(b"") * 1_000_000)
    assert time.process_time() - began < 5


@pytest.mark.thorough
def test_a_million_bad_rows_are_counted_and_the_first_twenty_shown(tmp_path: Path) -> None:
    header, first = TEXTS["tps"].splitlines()[:2]
    row = first.replace(b",1,", b",x,", 1) + b"\n"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines = refused(tmp_path, tps_csv=header + b"\n" + row * 300_000 + b"x\n").splitlines()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024
    assert lines[0] == "fields that are no whole number (300000, the first 20):"
    assert lines[1:3] == [f"tps.csv, row {row}, tps_number: 'x' is not a whole number" for row in (2, 3)]
    assert lines[21:] == [
        "rows with too few or too many fields (1):",
        "tps.csv, row 300002: 1 fields instead of 10",
    ]


def test_a_report_counts_what_it_does_not_keep() -> None:
    report, chance = Report(), random.Random(1)  # noqa: S311  # any, and the same each time
    kinds = [chance.choice(list(Kind)) for _ in range(1000)]
    for row, kind in enumerate(kinds, 1):
        report.add(Problem(kind, "t", row, "", "is odd"))
    assert len(report) == 1000
    assert [report.count(kind) for kind in Kind] == [kinds.count(kind) for kind in Kind]
    for kind in Kind:
        rows = [row for row, other in enumerate(kinds, 1) if other is kind]
        assert [problem.row for problem in report if problem.kind is kind] == rows[:SHOWN]


def test_one_thing_is_one_line() -> None:
    report = Report()
    assert (len(report), str(report), bool(report)) == (0, "", False)
    report.add(Problem(Kind.SHAPE, "t", 3, "", "is odd"))
    assert str(report) == "t, row 3: is odd"
