"""Results out of a real PostgreSQL server: read at one moment, within bounds, and without a password in sight."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from app.loader import postgres
from app.loader.build import build_snapshot
from app.loader.postgres import Limits, read_database
from app.loader.problems import SourceError
from app.loader.sources import read_source
from tests.stands.elections import ELECTION_TEXT
from tests.stands.lab import PROJECT, SMALL
from tests.stands.postgres import Server, new_password, postgres_server

READER = "tegak_reader"
PASSWORD = new_password()
Shape = tuple[Sequence[str], Sequence[str]]
SCHEMA = (PROJECT / "samples/schema.sql").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def running() -> Generator[Server, None, None]:
    with postgres_server() as server:
        with server.connect() as connection:
            connection.execute(SCHEMA.encode())
            connection.execute(f"ALTER ROLE {READER} PASSWORD '{PASSWORD}'".encode())
        yield server


@pytest.fixture
def server(running: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Server, None, None]:
    """With the example schema, the small sample in it, and a reader whose password libpq finds; mended afterwards."""
    passwords = tmp_path / "pgpass"
    passwords.write_text(f"127.0.0.1:{running.port}:*:{READER}:{PASSWORD}\n")
    passwords.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    with running.connect() as connection:
        connection.execute("INSERT INTO election VALUES (%s)", (ELECTION_TEXT.decode(),))
        for table in ("regions", "tps"):
            text = gzip.decompress((PROJECT / SMALL / f"{table}.csv.gz").read_bytes())
            with connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT csv, HEADER)") as copy:
                copy.write(text)
    yield running
    with running.connect() as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC")
        connection.execute(SCHEMA.partition("-- Who publishes")[0].encode())
        connection.execute(f"GRANT SELECT ON election, regions, tps TO {READER}")


def refused(address: str, limits: Limits | None = None) -> str:
    with pytest.raises(SourceError) as caught:
        read_database(address, limits or Limits())
    assert PASSWORD not in f"{caught.value}{caught.value.__cause__!r}"
    return str(caught.value)


def readers(server: Server) -> list[int]:
    """The server's processes that serve a loader."""
    with server.connect() as connection:
        found = connection.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'tegak'").fetchall()
    return [pid for (pid,) in found]


def waiting_readers(server: Server) -> list[int]:
    """Those of them that wait for a lock."""
    query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'tegak' AND wait_event_type = 'Lock'"
    with server.connect() as connection:
        return [pid for (pid,) in connection.execute(query).fetchall()]


@contextmanager
def stopped(pid: int) -> Generator[None, None, None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def run_loader(address: str, target: Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "app.loader", address, str(target)]
    return subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60)


def test_the_example_schema_with_the_sample_gives_the_samples_snapshot(server: Server, tmp_path: Path) -> None:
    found = run_loader(server.address(READER), tmp_path)
    assert found.returncode == 0, found.stderr
    of_files = build_snapshot(PROJECT / SMALL, tmp_path / "files")
    name = json.loads(found.stdout.splitlines()[-1])["built"]["name"]
    assert json.loads((tmp_path / name / "snapshot.json").read_bytes())["content"] == of_files.content
    assert PASSWORD not in found.stdout + found.stderr


def test_rows_that_lie_about_in_any_order_are_the_same_source(server: Server) -> None:
    before = read_source(server.address(READER))
    with server.connect() as connection:
        connection.execute("UPDATE regions SET name = name WHERE id % 3 = 0")  # moves them to the table's end
        connection.execute("UPDATE tps SET votes_01 = votes_01 WHERE tps_number % 3 = 0")
    assert read_source(server.address(READER)) == before


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("DELETE FROM election", "table election: has 0 rows instead of one"),
        ("DROP INDEX election_has_one_row; INSERT INTO election SELECT settings FROM election", "has 2 rows"),
        ("UPDATE election SET settings = 'x'", "table election: is no TOML"),
        ("UPDATE election SET settings = replace(settings, '#1F6FEB', 'blue')", "'blue' is not #RRGGBB"),
        ("DROP TABLE election", 'table election: relation "election" does not exist: docs/sources.md'),
    ],
)
def test_an_election_that_is_not_described_is_refused(server: Server, change: str, why: str) -> None:
    with server.connect() as connection:
        connection.execute(change.encode())
    assert why in refused(server.address(READER))


def test_both_tables_are_of_one_moment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the polling stations are removed after the regions were read, and before they are."""
    copy = postgres.copy_table

    def copy_and_change(connection: psycopg.Connection, table: str, shape: Shape, limits: Limits) -> bytes:
        found = copy(connection, table, shape, limits)
        if table == "regions":
            with server.connect() as other:
                other.execute("DELETE FROM tps WHERE tps_number > 2")
        return found

    before = read_database(server.address(READER))
    monkeypatch.setattr(postgres, "copy_table", copy_and_change)
    assert read_database(server.address(READER)) == before
    assert len(read_database(server.address(READER))["tps"]) < len(before["tps"])


def test_nothing_can_be_written_while_it_is_read(server: Server) -> None:
    with server.connect() as connection:
        connection.execute(
            "CREATE FUNCTION writes() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER AS "  # noqa: S608
            "$$ BEGIN DELETE FROM public.tps; RETURN 0; END $$;"
            "ALTER TABLE regions RENAME TO kept;"
            "CREATE VIEW regions AS SELECT id, parent_id, depth + writes() AS depth, name FROM kept;"
            f"GRANT SELECT ON regions TO {READER}"
        )
    assert "cannot execute DELETE in a read-only transaction" in refused(server.address(READER))


def test_what_the_constraints_do_not_keep_out_is_found_by_the_same_rules(server: Server, tmp_path: Path) -> None:
    with server.connect() as connection:
        connection.execute("ALTER TABLE tps ALTER votes_01 TYPE numeric(8, 2)")
    with pytest.raises(SourceError, match=r"table tps, row 2, votes_01: '508.00' is not a whole number"):
        build_snapshot(server.address(READER), tmp_path)


def test_a_server_that_is_away_is_said(server: Server) -> None:
    address = server.address(READER).replace(f":{server.port}/", ":1/")
    assert refused(address).startswith("the database: the server is away (")
    assert "Connection refused" in refused(address)
    assert refused("postgresql:///d?host=/nowhere").startswith("the database: the server is away (")
    assert refused("postgresql://db.invalid/d").startswith("the database: the server is away (")


def test_a_server_that_does_not_answer_is_given_up(server: Server) -> None:
    with stopped(server.pid):
        began = time.monotonic()
        assert "the server is away" in refused(server.address(READER), Limits(connect_seconds=2))
        assert time.monotonic() - began < 10


def test_a_login_that_is_refused_is_said_with_what_to_do(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Path(os.environ["PGPASSFILE"])
    passwords.write_text(passwords.read_text().replace(PASSWORD, "another"))
    assert refused(server.address(READER)).startswith("the database: the server refuses the login (")
    passwords.write_text(passwords.read_text().replace(READER, "nobody"))
    assert "refuses the login" in refused(server.address("nobody"))
    monkeypatch.setenv("PGPASSFILE", "/nowhere")
    assert "the server asks for a password: put it into ~/.pgpass" in refused(server.address(READER))


def test_a_database_that_is_not_there_is_said(server: Server) -> None:
    assert 'database "hitung" does not exist' in refused(server.address(READER, "hitung"))


@pytest.mark.usefixtures("server")
def test_an_address_that_cannot_be_read_is_not_repeated() -> None:
    for odd in (
        "postgresql://u@h:rahasia/d",
        "postgresql://u@h/d?nonsense=rahasia",
        "postgresql://u@[h/d",
        "postgresql://%zz/",
    ):
        found = refused(odd)
        assert "rahasia" not in found
        assert found.startswith("the source: its address can't be read") or "the server is away" in found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("DROP TABLE tps", 'table tps: relation "tps" does not exist: docs/sources.md'),
        ("ALTER TABLE tps RENAME votes_01 TO suara_01", 'table tps: column "votes_01" does not exist: docs/sources.md'),
        (
            f"REVOKE SELECT ON regions FROM {READER}",  # noqa: S608
            "table regions: permission denied for table regions: docs/sources.md",
        ),
    ],
)
def test_what_is_not_there_is_said_by_table_and_column(server: Server, change: str, words: str) -> None:
    with server.connect() as connection:
        connection.execute(change.encode())
    assert refused(server.address(READER)).startswith(words)


def test_a_table_that_is_too_large_is_not_read_to_its_end(server: Server) -> None:
    with server.connect() as connection:
        connection.execute("ALTER TABLE tps RENAME TO kept")
        columns = "kelurahan_id, s AS tps_number, registered_male, registered_female, votes_01, votes_02, valid_votes, "
        connection.execute(
            f"CREATE VIEW tps AS SELECT {columns} invalid_votes, total_votes, first_photo_unix_s "  # noqa: S608
            "FROM kept, generate_series(1, 1000) AS s".encode()
        )
        connection.execute(f"GRANT SELECT ON tps TO {READER}")
    assert refused(server.address(READER), Limits(table_bytes=100_000)) == "table tps: is more than 100000 bytes as CSV"


def test_a_table_that_is_locked_is_given_up(server: Server) -> None:
    with server.connect() as connection, connection.transaction():
        connection.execute("LOCK TABLE tps")
        found = refused(server.address(READER), Limits(statement_seconds=1))
    assert found.startswith(
        "table tps: was not read in 1 s (canceling statement due to statement timeout): is it locked"
    )


def test_a_server_that_hangs_keeps_nobody_waiting(server: Server) -> None:
    """Its processes are stopped: they keep their connections, and none of their time-outs runs any more."""
    with server.connect() as connection, connection.transaction():
        connection.execute("LOCK TABLE tps")
        stop = threading.Timer(0.5, lambda: [os.kill(pid, signal.SIGSTOP) for pid in readers(server)])
        stop.start()
        try:
            began = time.monotonic()
            found = refused(server.address(READER), Limits(total_seconds=2))
            assert time.monotonic() - began < 10
        finally:
            stop.join()
            for pid in readers(server):
                os.kill(pid, signal.SIGCONT)
    assert found == "the database: was not read in 2 s: the server or the way to it hangs"


def test_a_server_that_dies_meanwhile_is_said(server: Server) -> None:
    with server.connect() as connection, connection.transaction():
        connection.execute("LOCK TABLE tps")
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tegak'"
        kill = threading.Timer(0.5, lambda: connection.execute(end))
        kill.start()
        found = refused(server.address(READER))
        kill.join()
    assert "terminating connection due to administrator command" in found


def test_no_password_is_seen_in_the_loaders_process(server: Server, tmp_path: Path) -> None:
    """While it waits for a lock, its arguments are as they were given; the password is in a file alone."""
    with server.connect() as connection, connection.transaction():
        connection.execute("LOCK TABLE tps")
        argv = [sys.executable, "-m", "app.loader", server.address(READER), str(tmp_path)]
        with subprocess.Popen(argv, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as loader:
            while not waiting_readers(server):
                time.sleep(0.05)
            seen = Path(f"/proc/{loader.pid}/cmdline").read_text() + Path(f"/proc/{loader.pid}/environ").read_text()
            connection.execute("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'tegak'")
            said = loader.communicate(timeout=60)[0]
    assert server.address(READER) in seen
    assert PASSWORD not in seen + said
    assert loader.returncode == 2


def test_what_a_killed_run_left_is_cleared() -> None:
    code = (
        "import os, signal; from tests.stands.postgres import postgres_server\n"
        "with postgres_server() as server: print(server.pid, server.directory, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False)
    pid, directory = done.stdout.split()
    assert Path(directory).exists()
    with postgres_server():
        assert not Path(directory).exists()
        assert not Path(f"/proc/{pid}").exists()
