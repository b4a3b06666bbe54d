"""The tables of a PostgreSQL database (docs/sources.md), as CSV, of one moment: one transaction that only reads.

What the server says is passed on in one line; no sentence of libpq has a password in it, except those about an address
that it can't read, which are not passed on.
"""

import csv
import io
import socket
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import IsolationLevel, errors, sql
from psycopg.conninfo import conninfo_to_dict

from app.election import Election
from app.loader import regions, stations
from app.loader.election_file import read_election_file
from app.loader.problems import Kind, SourceError, refusal
from app.loader.tables import LARGEST_TABLE_BYTES

ELECTION = "election"
SETTINGS = "settings"
"""The one column of the one row of the table of that name: the text of election.toml."""


def tables_of(election: Election) -> dict[str, tuple[Sequence[str], Sequence[str]]]:
    """The tables' columns, and their order: parents before children, polling stations of a kelurahan together.

    Nothing is left to chance in it, since the order decides the ids of polling stations.
    """
    return {
        "regions": (regions.columns_of(election), ("depth", "id")),
        "tps": (stations.columns_of(election).names, ("kelurahan_id", "tps_number")),
    }


@dataclass(frozen=True)
class Limits:
    """How long and how much is read.

    Args:
        connect_seconds: Until the server must have let us in.
        statement_seconds: For a table, on the server; waiting for a lock is in it.
        total_seconds: For all of it, whatever the server does: one that hangs keeps no publication waiting.
        table_bytes: For a table.
    """

    connect_seconds: int = 10
    statement_seconds: int = 60
    total_seconds: int = 150
    table_bytes: int = LARGEST_TABLE_BYTES


def read_database(address: str, limits: Limits = Limits()) -> dict[str, bytes]:
    """Read the tables, by their names; of that of the election, what is in it.

    Args:
        address: The address, checked by `app.loader.addresses.check_address`.
        limits: How long and how much is read.

    Raises:
        SourceError: The server is away or refuses us; a table isn't there, or too large; or it takes too long.
    """
    with _connected(address, limits) as connection, _deadline(connection, limits) as late:
        try:
            with connection.transaction():
                longest = sql.Literal(f"{limits.statement_seconds}s")
                connection.execute(sql.SQL("SET LOCAL statement_timeout = {}").format(longest))
                text = _settings(copy_table(connection, ELECTION, ((SETTINGS,), (SETTINGS,)), limits))
                tables = tables_of(read_election_file(text, f"table {ELECTION}"))
                read = {table: copy_table(connection, table, shape, limits) for table, shape in tables.items()}
                return {ELECTION: text, **read}
        except psycopg.Error as error:
            if late.is_set():
                why = f"was not read in {limits.total_seconds} s: the server or the way to it hangs"
                raise refusal(Kind.SOURCE, "the database", why) from error
            raise refusal(Kind.SOURCE, "the database", f"the connection was lost ({_said(error)})") from error


@contextmanager
def _connected(address: str, limits: Limits) -> Generator[psycopg.Connection, None, None]:
    try:
        given = conninfo_to_dict(address)
    except psycopg.Error:  # its text has parts of the address in it, and the cause would be shown with it
        given = None
    if given is None:
        why = "its address can't be read: postgresql://user@host/database, what is odd in a name as %XX"
        raise refusal(Kind.SOURCE, "the source", why)
    seconds = given.get("connect_timeout", limits.connect_seconds)
    try:
        connection = psycopg.connect(address, client_encoding="UTF8", application_name="tegak", connect_timeout=seconds)
    except psycopg.Error as error:
        raise _not_let_in(error) from error
    with connection:
        connection.read_only = True
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        yield connection


def _not_let_in(error: psycopg.Error) -> SourceError:
    """The sentence for a connection that came to nothing: the server is away, or it refuses the login."""
    said, ended = _said(error), error.pgconn
    if ended is not None and ended.needs_password:
        why = "the server asks for a password: put it into ~/.pgpass (mode 0600), or the file that PGPASSFILE names"
    elif (ended is not None and ended.used_password) or "FATAL" in said:
        why = "the server refuses the login"
    else:
        why = "the server is away"
    return refusal(Kind.SOURCE, "the database", f"{why} ({said})")


def _settings(table: bytes) -> bytes:
    rows = list(csv.reader(io.StringIO(table.decode(), newline="")))[1:]
    if len(rows) != 1:
        raise refusal(Kind.SOURCE, f"table {ELECTION}", f"has {len(rows)} rows instead of one")
    return rows[0][0].encode()


def copy_table(
    connection: psycopg.Connection, table: str, shape: tuple[Sequence[str], Sequence[str]], limits: Limits
) -> bytes:
    """A table as CSV.

    Args:
        connection: Where it is.
        table: Its name.
        shape: The names of its columns, and of those that its rows are sorted by.
        limits: How long and how much is read.

    Raises:
        SourceError: It isn't there as it should be, or is too large.
        psycopg.Error: The connection was lost.
    """
    columns, order = shape
    query = sql.SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT (FORMAT csv, HEADER)").format(
        _names(columns), sql.Identifier(table), _names(order)
    )
    text = bytearray()
    try:
        with connection.cursor() as cursor, cursor.copy(query) as copy:
            for block in copy:
                text += block
                if len(text) > limits.table_bytes:
                    raise refusal(Kind.DAMAGED, f"table {table}", f"is more than {limits.table_bytes} bytes as CSV")
    except errors.QueryCanceled as error:
        why = f"was not read in {limits.statement_seconds} s ({_said(error)}): is it locked, or a slow view?"
        raise refusal(Kind.SOURCE, f"table {table}", why) from error
    except (errors.UndefinedTable, errors.UndefinedColumn, errors.InsufficientPrivilege) as error:
        why = f"{_said(error)}: docs/sources.md has the tables and what a reader may do"
        raise refusal(Kind.SOURCE, f"table {table}", why) from error
    except psycopg.Error as error:
        if error.sqlstate is None:  # not the server's word on the query
            raise
        raise refusal(Kind.SOURCE, f"table {table}", f"can't be read ({_said(error)})") from error
    return bytes(text)


def _names(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


@contextmanager
def _deadline(connection: psycopg.Connection, limits: Limits) -> Generator[threading.Event, None, None]:
    """End the connection when its time is up; the event is set then.

    A server that was stopped keeps its connections, and no time-out of its own runs any more.
    """
    late = threading.Event()
    with socket.socket(fileno=socket.dup(connection.fileno())) as own:

        def end() -> None:
            late.set()
            own.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(limits.total_seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield late
        finally:
            timer.cancel()
            timer.join()


def _said(error: psycopg.Error) -> str:
    """What the server or libpq says, in a line."""
    words = error.diag.message_primary or str(error) or type(error).__name__
    return "".join(sign for sign in " ".join(words.split()) if sign.isprintable())[:300]
