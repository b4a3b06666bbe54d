"""Where a source may be, what its tables may come in, and what is done about files that are not what they seem."""

import functools
import gzip
import io
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from app.loader import files, parquet
from app.loader.addresses import absolute, check_address, is_address, short_name
from app.loader.build import BuiltSnapshot, build_snapshot
from app.loader.election_file import FILE
from app.loader.problems import SourceError
from app.loader.sources import digest_of_files, read_source
from app.loader.tables import LARGEST_TABLE_BYTES
from infra.bridge.errors import OperatorError
from roles.artefacts.sources import source_at
from tests.stands.elections import ELECTION_TEXT
from tests.unit.app.conftest import SAMPLE

TEXTS = {table: gzip.decompress((SAMPLE / f"{table}.csv.gz").read_bytes()) for table in ("regions", "tps")}


def source_of(directory: Path, **tables: bytes) -> Path:
    """The small sample with other files of a table: an underline in a name is a dot."""
    directory.mkdir()
    given = {name.partition("_")[0] for name in tables}
    tables |= {f"{table}_csv": text for table, text in TEXTS.items() if table not in given}
    tables = {FILE.replace(".", "_"): ELECTION_TEXT, **tables}
    for name, data in tables.items():
        (directory / name.replace("_", ".")).write_bytes(data)
    return directory


def frame_of(table: str) -> pl.DataFrame:
    return pl.read_csv(TEXTS[table])


def parquet_of(frame: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.write_parquet(file)
    return file.getvalue()


def refused(source: Path | str) -> str:
    with pytest.raises(SourceError) as caught:
        read_source(str(source))
    return str(caught.value)


@pytest.mark.parametrize("form", ["csv", "csv_gz", "parquet"])
def test_the_same_tables_are_the_same_snapshot_whatever_they_come_in(
    tmp_path: Path, form: str, built: BuiltSnapshot
) -> None:
    made: dict[str, Callable[[str], bytes]] = {
        "csv": TEXTS.__getitem__,
        "csv_gz": lambda table: gzip.compress(TEXTS[table]),
        "parquet": lambda table: parquet_of(frame_of(table)),
    }
    source = source_of(tmp_path / "source", **{f"{table}_{form}": made[form](table) for table in TEXTS})
    found = build_snapshot(source, tmp_path / "dist")
    assert found.content == built.content


def test_two_files_of_one_table_are_refused(tmp_path: Path) -> None:
    source = source_of(tmp_path / "source", tps_csv=TEXTS["tps"], tps_csv_gz=gzip.compress(TEXTS["tps"]))
    assert refused(source) == (
        "tps.csv.gz and tps.csv: are the same table: leave the one that is meant, and move the other away"
    )


def test_what_is_missing_is_named_with_the_names_it_could_have(tmp_path: Path) -> None:
    source = source_of(tmp_path / "source")
    (source / "tps.csv").unlink()
    assert refused(source) == f"tps.csv.gz, tps.csv or tps.parquet: there is no such file in {source}"
    assert refused(tmp_path / "nowhere") == f"{tmp_path / 'nowhere'}: there is no such directory"


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    os.chdir(path.parent)  # its path may be too long for a socket
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path.name)


def make_link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (make_fifo, "is no file, but a FIFO"),
        (make_socket, "is no file, but a socket"),
        (Path.mkdir, "is no file, but a directory"),
        (make_link("/dev/zero"), "is no file, but a device"),
        (make_link("nowhere"), "the file can't be read (No such file or directory)"),
        (make_link("tps.csv"), "the file can't be read (Too many levels of symbolic links)"),
    ],
)
def test_what_is_no_file_is_refused_before_it_is_read(
    tmp_path: Path, make: Callable[[Path], None], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # and back
    source = source_of(tmp_path / "source")
    (source / "tps.csv").unlink()
    make(source / "tps.csv")
    assert refused(source) == f"tps.csv: {words}"


def test_ten_gigabytes_of_garbage_are_refused_by_their_size(tmp_path: Path) -> None:
    source = source_of(tmp_path / "source")
    for name in ("tps.csv", "tps.csv.gz", "tps.parquet"):
        with (source / name).open("wb") as file:
            file.truncate(10 * 2**30)  # a hole: it takes no room
        began = time.monotonic()
        assert refused(source) == f"{name}: has more than {LARGEST_TABLE_BYTES} bytes: that is no table of a count"
        assert time.monotonic() - began < 1
        (source / name).unlink()


def test_a_file_that_is_written_to_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_of(tmp_path / "source")
    look, looks = os.fstat, [0]

    def look_and_append(file: int) -> os.stat_result:
        looks[0] += 1
        found = look(file)
        if looks[0] == 5:  # the election and regions before and after, tps before
            with (source / "tps.csv").open("ab") as growing:
                growing.write(b"4,1\n")
        return found

    monkeypatch.setattr(files.os, "fstat", look_and_append)
    assert refused(source).startswith("tps.csv: was changed while it was read")


def test_a_table_that_is_replaced_before_the_other_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_of(tmp_path / "source")
    read = files.read_file

    def read_and_replace(path: Path) -> files.Reading:
        found = read(path)
        if path.name == "tps.csv":
            (source / "new").write_bytes(TEXTS["regions"])
            (source / "new").rename(source / "regions.csv")
        return found

    monkeypatch.setattr(files, "read_file", read_and_replace)
    assert refused(source).startswith("regions.csv: was changed while it was read")


def test_a_source_is_told_from_another_by_its_files(tmp_path: Path) -> None:
    source = source_of(tmp_path / "source")
    before = read_source(str(source)).digest
    assert digest_of_files(str(source)) == before
    (source / "tps.csv").write_bytes(TEXTS["tps"].replace(b",508,108,", b",509,108,"))
    assert digest_of_files(str(source)) == read_source(str(source)).digest != before
    (source / "tps.csv").unlink()
    assert digest_of_files(str(source)) == digest_of_files("postgresql://nowhere/x") == ""


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pl.col("votes_01").cast(pl.Float64), "tps.parquet, row 2, votes_01: '508.0' is not a whole number"),
        (pl.col("votes_01").cast(pl.Boolean), "tps.parquet, row 2, votes_01: 'true' is not a whole number"),
        (pl.col("votes_01") * 10**6, "tps.parquet, row 2, votes_01: 508000000 is not between 0 and 999999"),
        (pl.col("votes_01").cast(pl.Datetime), "tps.parquet, row 2, votes_01: '1970-01-01T00:00:00.000508"),
        (pl.concat_list("votes_01"), "tps.parquet: the column 'votes_01' is of the type List(Int64): text and numbers"),
        (pl.col("votes_01").alias("suara_01"), "tps.parquet, row 1: the column 'suara_01' is unknown"),
    ],
)
def test_a_column_of_another_type_is_refused_by_the_same_rules(tmp_path: Path, column: pl.Expr, words: str) -> None:
    source = source_of(tmp_path / "source", tps_parquet=parquet_of(frame_of("tps").with_columns(column)))
    with pytest.raises(SourceError) as caught:
        build_snapshot(source, tmp_path / "dist")
    assert words in str(caught.value)


def test_digits_as_text_are_numbers_in_parquet_as_in_csv(tmp_path: Path, built: BuiltSnapshot) -> None:
    source = source_of(tmp_path / "source", tps_parquet=parquet_of(frame_of("tps").cast(pl.String)))
    assert build_snapshot(source, tmp_path / "dist").content == built.content


def test_parquet_that_is_none_or_cut_is_damaged(tmp_path: Path) -> None:
    whole = parquet_of(frame_of("tps"))
    for number, data in enumerate((b"", b"PAR1", whole[:-100], TEXTS["tps"])):
        source = source_of(tmp_path / str(number), tps_parquet=data)
        assert refused(source).startswith("tps.parquet: the file is damaged")


def test_parquet_that_unpacks_to_more_than_any_count_is_refused(tmp_path: Path) -> None:
    """Ten million rows in some kilobytes, and a gigabyte of text in a name that is there once."""
    many = pl.DataFrame({"id": pl.repeat(1, 10_000_000, eager=True)})
    source = source_of(tmp_path / "many", tps_parquet=parquet_of(many))
    assert (source / "tps.parquet").stat().st_size < 2**16
    assert refused(source) == "tps.parquet: has more than 2000000 rows"
    long = pl.DataFrame({"name": pl.repeat("x" * 1000, 300_000, eager=True)})
    assert "bytes of text" in refused(source_of(tmp_path / "long", regions_parquet=parquet_of(long)))
    wide = pl.DataFrame({f"c{number}": [1] for number in range(1000)})
    assert refused(source_of(tmp_path / "wide", tps_parquet=parquet_of(wide))) == "tps.parquet: has 1000 columns"


def test_what_becomes_of_the_process_that_reads_parquet_becomes_of_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_of(tmp_path / "source", tps_parquet=b"")
    monkeypatch.setattr(parquet, "ARGV", (sys.executable, "-c", "import os; os.abort()"))
    assert refused(source) == "tps.parquet: the file is damaged, or needs more memory than any count (-6)"
    monkeypatch.setattr(parquet, "ARGV", ("sleep", "60"))
    monkeypatch.setattr(parquet, "LONGEST_SECONDS", 0.1)
    assert refused(source) == "tps.parquet: can't be read in 0.1 s"


def test_the_process_that_reads_parquet_gets_no_more_memory_than_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Untouched, what it asks for costs this machine nothing; the bound is on what is asked for."""
    code = (
        "import sys, types; sys.modules['polars'] = types.SimpleNamespace(\n"
        "  read_parquet=lambda *_, **__: bytearray({bytes}), exceptions=types.SimpleNamespace(PolarsError=OSError))\n"
        "from app.loader.parquet import main; main()"
    )
    source = source_of(tmp_path / "source", tps_parquet=b"")
    monkeypatch.setattr(parquet, "ARGV", (sys.executable, "-c", code.format(bytes=5 * 2**30)))
    assert "needs more memory than any count (1)" in refused(source)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:pw-secret@h/d",
        "postgres://u:pw-secret@h/d",
        "postgresql://u:pw/secret@h/d",
        "postgresql://u:pw?secret@h/d",
        "postgresql://u:pw#secret@h/d",
        "postgresql://u:pw@secret@h/d",
        "postgresql://:pw-secret@h/d",
        "postgresql://u@h/d?password=pw-secret",
        "postgresql://u@h/d?sslmode=require&password=pw-secret",
        "postgresql://u@h/d?p%61ssword=pw-secret",
        "postgresql://u@h/d?sslpassword=pw-secret",
    ],
)
def test_an_address_with_a_password_is_refused_and_not_repeated(address: str) -> None:
    refuse: list[Callable[[str], object]] = [read_source, functools.partial(source_at, Path("/"))]
    for each in refuse:
        with pytest.raises((SourceError, OperatorError)) as caught:
            each(address)
        assert "~/.pgpass" in str(caught.value)
        assert "secret" not in f"{caught.value}{caught.value.__cause__}"


@pytest.mark.parametrize("address", ["mysql://u:secret@h/d", "PostgreSQL://u:secret@h/d", "postgresql:/u:secret@h/d"])
def test_an_address_of_another_kind_is_refused_and_not_repeated(address: str) -> None:
    assert refused(address) == "the source: an address begins with postgresql://, in small letters"


@pytest.mark.parametrize(
    "address",
    [
        "postgresql:///hitung",
        "postgresql://reader@h:5432/hitung?sslmode=verify-full",
        "postgresql://reader@[::1]:5432/hitung",
        "postgresql://reader@h1:1,h2:2/hitung?options=-csearch_path%3Dcount",
        "postgres:///?service=hitung",
    ],
)
def test_an_address_without_a_password_is_taken_as_it_is(address: str) -> None:
    check_address(address)
    assert (is_address(address), short_name(address), source_at(Path("/"), address)) == (True, address, address)


def test_a_directory_is_one_whatever_its_name_is(tmp_path: Path) -> None:
    for name in ("samples/kpu", "../c:", "a b", "postgresql"):
        assert not is_address(name)
    assert absolute("a/../b", tmp_path) == str(tmp_path / "b")
    assert absolute("/b", tmp_path) == "/b"
    assert short_name("/a/b/") == "b"
