"""A table in order is taken as columns, any other row by row: both ways come to the same."""

import datetime as dt
import gzip
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from app.loader.build import build_snapshot
from app.loader.columns import is_plain, read_stations, schema_of, take_at_once
from app.loader.election_file import FILE
from app.loader.problems import Problem
from app.loader.regions import kelurahan_of, read_regions
from app.loader.stations import Rows
from app.snapshot import Snapshot
from tests.stands.elections import COLUMNS, ELECTION_TEXT, PILPRES
from tests.stands.packs import unpack_snapshot
from tests.thorough import examples
from tests.unit.app.naive import naive_documents

LATEST = 1_600_000_000
HEADER = ",".join(COLUMNS.names)
REGIONS = """id,parent_id,depth,name
0,,0,INDONESIA
1,0,1,"ACEH ""SATU"", \\ UTARA"
2,1,2,KOTA
3,2,3,KECAMATAN
4,3,4,DESA SATU
5,3,4,DESA DUA
-99,0,1,Luar Negeri
-98,-99,2,é
-97,-98,3,LN
-96,-97,4,LN
9,0,1,KOSONG
"""
TREE = read_regions(REGIONS.encode(), PILPRES, "regions")
FIGURE = st.sampled_from(["0", "1", "17", "999999"])
FORM = st.one_of(st.just(("", "", "", "", "")), st.tuples(FIGURE, FIGURE, FIGURE, FIGURE, FIGURE))
TIME = st.sampled_from(["", "0", "1555555555", str(LATEST)])
VOTERS = st.sampled_from(["-1", "0", "150"])
ODD = [
    "",
    "-",
    "--1",
    "1-2",
    "+1",
    " 1",
    "1 ",
    "01",
    "-0",
    "1.0",
    "1e3",
    "9" * 30,
    "1000000",
    "x",
    '"1"',
    "\t",
    "é",
    "\0",
    "1\r",
]


def rows_of(kelurahan: int) -> st.SearchStrategy[list[list[str]]]:
    numbers = st.lists(st.sampled_from([*range(1, 9), 1000, 1001, 2000, 2001, 3003]), unique=True, max_size=4)
    row = st.tuples(VOTERS, VOTERS, FORM, TIME)
    return numbers.flatmap(
        lambda found: st.lists(row, min_size=len(found), max_size=len(found)).map(
            lambda rows: [
                [str(kelurahan), str(number), male, female, *form, time]
                for number, (male, female, form, time) in zip(found, rows, strict=True)
            ]
        )
    )


IN_ORDER = st.tuples(*(rows_of(region) for region in (4, -96, 5))).map(
    lambda parts: [row for part in parts for row in part]
)


def table(rows: list[list[str]]) -> bytes:
    return "".join(f"{line}\n" for line in (HEADER, *(",".join(row) for row in rows))).encode()


def row_by_row(text: bytes) -> tuple[pl.DataFrame, list[Problem]]:
    problems: list[Problem] = []
    rows = Rows(COLUMNS, frozenset(kelurahan_of(TREE)), LATEST, "tps", problems.append).read(text)
    return pl.DataFrame(list(rows), schema_of(COLUMNS), orient="row"), problems


@examples(50)
@given(IN_ORDER)
def test_a_table_in_order_is_taken_at_once_and_is_what_its_rows_say(rows: list[list[str]]) -> None:
    taken = take_at_once(table(rows), COLUMNS, TREE, LATEST)
    assert taken is not None
    slow, problems = row_by_row(table(rows))
    assert problems == []
    assert_frame_equal(taken, slow)


@examples(50)
@given(IN_ORDER.filter(bool), st.data())
def test_whatever_is_taken_at_once_is_what_its_rows_say(rows: list[list[str]], data: st.DataObject) -> None:
    """A field is changed, or a row is moved, doubled, cut, or made longer."""
    row = data.draw(st.integers(0, len(rows) - 1))
    match data.draw(st.sampled_from(["field", "double", "move", "cut", "longer", "end", "blank"])):
        case "field":
            rows[row][data.draw(st.integers(0, len(COLUMNS.names) - 1))] = data.draw(st.sampled_from(ODD))
        case "double":
            rows.append(list(rows[row]))
        case "move":
            rows.insert(0, rows.pop(row))
        case "cut":
            rows[row] = rows[row][: data.draw(st.integers(1, 9))]
        case "longer":
            rows[row].append("1")
        case "blank":
            rows.insert(row, [""])
        case _:
            pass
    text = table(rows)
    text = text if data.draw(st.booleans()) else text[:-1]
    taken = take_at_once(text, COLUMNS, TREE, LATEST)
    if taken is not None:
        slow, problems = row_by_row(text)
        assert problems == []
        assert_frame_equal(taken, slow)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (0, "3"),
        (0, "7"),
        (1, "0"),
        (1, "100000"),
        (2, "-2"),
        (3, "1000000"),
        (4, "-1"),
        (8, ""),
        (9, str(LATEST + 1)),
        (9, "-1"),
    ],
)
def test_each_rule_is_held_by_both_ways(column: int, value: str) -> None:
    row = ["4", "1", "-1", "-1", "1", "2", "3", "4", "7", "5"]
    row[column] = value
    assert take_at_once(table([row]), COLUMNS, TREE, LATEST) is None
    assert len(row_by_row(table([row]))[1]) == 1


def test_a_number_twice_and_rows_apart_are_not_taken_at_once() -> None:
    first, second = ["4", "1", "-1", "-1", *[""] * 6], ["5", "1", "-1", "-1", *[""] * 6]
    assert take_at_once(table([first, first]), COLUMNS, TREE, LATEST) is None
    assert take_at_once(table([first, second, [*first[:1], "2", *first[2:]]]), COLUMNS, TREE, LATEST) is None


@pytest.mark.parametrize("odd", [text for text in ODD if text.strip("-0123456789")])
def test_what_needs_interpreting_is_not_plain(odd: str) -> None:
    row = ["4", "1", "-1", "-1", *[""] * 6]
    assert is_plain(table([row]), COLUMNS)
    assert not is_plain(table([[*row[:4], odd, *row[5:]]]), COLUMNS)


def test_as_many_commas_in_other_lines_are_not_plain() -> None:
    row = ["4", "1", "-1", "-1", *[""] * 6]
    assert not is_plain(table([row[:-1], [*row, ""]]), COLUMNS)
    assert not is_plain(table([[*row, ""], row[:-1]]), COLUMNS)
    assert not is_plain(table([row])[:-1], COLUMNS)


def test_a_bad_row_costs_the_others_nothing() -> None:
    problems: list[Problem] = []
    rows = [["4", str(number), "-1", "-1", *[""] * 6] for number in range(1, 40)]
    rows[7][1] = "x"
    found = read_stations(table(rows), COLUMNS, TREE, LATEST, "tps", problems.append)
    assert (len(found), len(problems), problems[0].row) == (38, 1, 9)


def write_source(directory: Path, rows: list[list[str]]) -> None:
    (directory / FILE).write_bytes(ELECTION_TEXT)
    (directory / "tps.csv.gz").write_bytes(gzip.compress(table(rows)))
    (directory / "regions.csv.gz").write_bytes(gzip.compress(REGIONS.encode()))


@examples(50)
@given(IN_ORDER)
@example([])
def test_the_documents_of_any_table_are_what_the_slow_and_obvious_way_makes(rows: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as text:
        directory = Path(text)
        write_source(directory, rows)
        built = build_snapshot(directory, directory / "dist", now=dt.datetime(2020, 9, 13, 12, 26, 40, tzinfo=dt.UTC))
        snapshot = Snapshot(unpack_snapshot(built, directory))
        wanted = naive_documents(PILPRES, directory, built.as_of)
        assert {address: snapshot.document(address) for address in wanted} == wanted
        assert built.documents == len(wanted)
