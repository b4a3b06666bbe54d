"""Whatever is in a source, it is refused in so many words, or what is built is what the slow and obvious way makes."""

import datetime as dt
import gzip
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from app.loader.build import build_snapshot
from app.loader.columns import take_at_once
from app.loader.election_file import FILE
from app.loader.problems import SourceError
from app.loader.regions import COLUMNS as REGION_COLUMNS
from app.loader.tables import as_text, unpack
from app.snapshot import Snapshot
from tests.stands.elections import COLUMNS, ELECTION_TEXT, PILPRES
from tests.stands.packs import unpack_snapshot
from tests.thorough import examples
from tests.unit.app.naive import naive_documents
from tests.unit.app.test_columns import IN_ORDER, LATEST, REGIONS, TREE, row_by_row, table

NOW = dt.datetime.fromtimestamp(LATEST, dt.UTC)
GOOD_REGIONS = REGIONS.encode()
HEADERS = [",".join(columns).encode() + b"\n" for columns in (REGION_COLUMNS, COLUMNS.names)]
PIECES = st.sampled_from(
    [
        b"",
        b"\xef\xbb\xbf",
        b"\r\n",
        b"\r",
        b"\n",
        b"\n\n",
        b'"',
        b'""',
        b",",
        b";",
        b"\0",
        b"\xff",
        b"=1+1",
        b"-",
        b"-0",
        b"0",
        b"9" * 30,
        b"1e3",
        "é".encode(),
        "\u2028".encode(),
        "\u0663".encode(),
        b"-99",
        b"-96,2,-1,-1,1,2,3,4,7,5\n",
        b"4,9,-1,-1,,,,,,\n",
        b"6,3,4,DESA TIGA\n",
        *HEADERS,
    ]
)


@st.composite
def mutated(draw: st.DrawFn, good: st.SearchStrategy[bytes]) -> bytes:
    """A table with up to three pieces of it cut out, put in, doubled, or put elsewhere; or other line ends."""
    text = draw(good)
    for _ in range(draw(st.integers(0, 3))):
        begin = draw(st.integers(0, len(text)))
        end = min(len(text), begin + draw(st.sampled_from([0, 0, 1, 2, 20, len(text)])))
        other = draw(st.integers(0, len(text)))
        put = draw(st.one_of(PIECES, st.binary(max_size=3), st.just(text[other : other + 20])))
        text = text[:begin] + put + text[end:]
    return text.replace(b"\n", b"\r\n") if draw(st.integers(0, 9)) == 0 else text


STATIONS = IN_ORDER.map(table)
ANY_REGIONS = st.one_of(st.binary(max_size=200), mutated(st.just(GOOD_REGIONS)), st.just(GOOD_REGIONS))
ANY_STATIONS = st.one_of(st.binary(max_size=200), mutated(STATIONS))


def refused_or_right(regions: bytes, stations: bytes) -> str:
    """Build it, and hold it against the slow way; what was said against it, or nothing."""
    with tempfile.TemporaryDirectory() as text:
        directory = Path(text)
        (directory / "regions.csv").write_bytes(regions)
        (directory / FILE).write_bytes(ELECTION_TEXT)
        (directory / "tps.csv").write_bytes(stations)
        try:
            built = build_snapshot(directory, directory / "dist", now=NOW)
        except SourceError as refused:
            said = refused.problems
            assert not list((directory / "dist").glob("*"))
            assert len(said) > 0
            return str(said)
        snapshot = Snapshot(unpack_snapshot(built, directory))
        wanted = naive_documents(PILPRES, directory, built.as_of)
        assert {address: snapshot.document(address) for address in wanted} == wanted
        assert built.documents == len(wanted)
        return ""


@examples(150)
@given(ANY_REGIONS, STATIONS)
@example(GOOD_REGIONS, table([["", *["1"] * 9]]))
@example(GOOD_REGIONS, table([["0", *["1"] * 9]]))
@example(HEADERS[0] + b"0,,0,N\n", HEADERS[1])
@example(b"\xef\xbb\xbf" + GOOD_REGIONS.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + HEADERS[1].replace(b"\n", b"\r\n"))
def test_any_regions_are_refused_or_right(regions: bytes, stations: bytes) -> None:
    refused_or_right(regions, stations)


@examples(200)
@given(ANY_STATIONS)
def test_any_stations_are_refused_or_right(stations: bytes) -> None:
    refused_or_right(GOOD_REGIONS, stations)


@examples(300)
@given(mutated(STATIONS))
def test_what_is_taken_at_once_is_what_its_rows_say(stations: bytes) -> None:
    try:
        text = as_text("tps", stations)
    except SourceError:
        return
    taken = take_at_once(text, COLUMNS, TREE, LATEST)
    if taken is not None:
        slow, problems = row_by_row(text)
        assert problems == []
        assert_frame_equal(taken, slow)


@examples(100)
@given(mutated(STATIONS))
def test_with_errors_allowed_what_fits_is_there(stations: bytes) -> None:
    """Never more stations than rows, and whatever is left out is counted."""
    with tempfile.TemporaryDirectory() as text:
        directory = Path(text)
        (directory / "regions.csv").write_bytes(GOOD_REGIONS)
        (directory / FILE).write_bytes(ELECTION_TEXT)
        (directory / "tps.csv").write_bytes(stations)
        try:
            built = build_snapshot(directory, directory / "dist", now=NOW, allow_errors=True)
        except SourceError:
            return
        assert built.entered <= built.stations <= stations.count(b"\n")
        assert (len(built.skipped) == 0) == (refused_or_right(GOOD_REGIONS, stations) == "")


def cut(packed: bytes, at: int, _: int) -> bytes:
    return packed[: at % len(packed)]


def flipped(packed: bytes, at: int, value: int) -> bytes:
    changed = bytearray(packed)
    changed[at % len(packed)] ^= value
    return bytes(changed)


def inserted(packed: bytes, at: int, value: int) -> bytes:
    at %= len(packed)
    return packed[:at] + bytes([value]) + packed[at:]


def followed(packed: bytes, at: int, value: int) -> bytes:
    return packed + bytes([value]) * (at % 20 + 1)


@examples(300)
@given(
    STATIONS,
    st.sampled_from([cut, flipped, inserted, followed]),
    st.integers(0, 10_000),
    st.integers(1, 255),
)
def test_any_damage_to_gzip_is_noticed_or_changes_nothing(
    stations: bytes, damage: Callable[[bytes, int, int], bytes], at: int, value: int
) -> None:
    """Some bits of gzip's frame say nothing about the text: its time, its system."""
    try:
        found = unpack("tps", damage(gzip.compress(stations, mtime=0), at, value))
    except SourceError:
        return
    assert found in {stations, b""}  # nothing at all is refused as an empty table
