"""A service that fails each request says so, and not with each request."""

import contextlib
import logging
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from app.journal import AT_ONCE, FewOfAKind
from app.snapshot import COMPLETE
from tests.stands.lab import PROJECT
from tests.stands.packs import write_snapshot

REQUESTS = 200


@pytest.fixture
def broken(tmp_path: Path) -> Generator[Path, None, None]:
    """The socket of a real service whose snapshot is broken inside; what it says is beside it, in `log`."""
    release, snapshot = tmp_path / "release", tmp_path / "snapshot"
    release.mkdir()
    (release / "release.json").write_text('{"release":"1.0.0-0123456789"}')
    write_snapshot(snapshot, {"/static/json/wilayah/0.json": b"[]"})
    (release / COMPLETE).touch()
    place = {"TEGAK_HOST": "jakarta-app-1", "TEGAK_LOCATION": "jakarta"}
    place |= {"TEGAK_RELEASE_DIR": str(release), "TEGAK_SNAPSHOT_DIR": str(snapshot)}
    place |= {"TEGAK_ALTERED": str(tmp_path / "altered")}
    path = tmp_path / "results.sock"
    with (tmp_path / "log").open("wb") as log:
        argv = [sys.executable, "-m", "app", "--uds", str(path)]
        with subprocess.Popen(argv, cwd=PROJECT, env={**os.environ, **place}, stdout=log, stderr=log) as process:
            try:
                yield path
            finally:
                process.terminate()


def ask(path: Path, request: bytes) -> bytes:
    """A connection of its own: the status of what comes back."""
    deadline = time.monotonic() + 20
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as link:
        link.settimeout(20)
        while True:
            try:
                link.connect(str(path))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                assert time.monotonic() < deadline
                time.sleep(0.05)
        link.sendall(request)
        return link.recv(4096).split(b" ")[1]


def test_each_kind_of_failure_is_said_a_few_times_whatever_the_number_of_requests(broken: Path, tmp_path: Path) -> None:
    for _ in range(REQUESTS):
        assert ask(broken, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") == b"500"
        assert ask(broken, b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n") == b"400"
    log = (tmp_path / "log").read_text(encoding="utf-8")
    assert len(re.findall("Exception in ASGI application", log)) == AT_ONCE
    assert len(re.findall("Invalid HTTP request received", log)) == AT_ONCE
    assert "AttributeError" in log


def record(line: int, error: type[Exception] | None = None) -> logging.LogRecord:
    info = (error, None, None) if error else None
    return logging.LogRecord("uvicorn.error", logging.ERROR, "a.py", line, "it failed", None, info)  # pyright: ignore[reportArgumentType]


def test_what_was_left_out_is_counted_and_another_kind_is_not_hidden_by_it() -> None:
    now = [0.0]
    few = FewOfAKind(at_once=2, every_seconds=30, clock=lambda: now[0])
    assert [few.filter(record(1, ValueError)) for _ in range(5)] == [True, True, False, False, False]
    assert few.filter(record(2, ValueError))
    assert few.filter(record(1, KeyError))
    now[0] = 31
    next_one = record(1, ValueError)
    assert few.filter(next_one)
    assert next_one.getMessage() == "it failed (3 more of this kind in the 31 s before)"
    assert few.filter(record(1, ValueError))
    assert not few.filter(record(1, ValueError))
