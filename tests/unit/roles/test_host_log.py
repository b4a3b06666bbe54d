"""The log as a host keeps it: the programs that run there, run here."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roles.hosts.audit import HostLog, Log
from roles.on_host import program
from roles.on_host.log import read_digest
from roles.scripts.state import probe_request
from tests.unit.roles.fleets import entry, said_by

FREEZE = entry("1", "freeze", 1, reason="counting in Papua", hosts={"app-1": "ok"})


class Kept:
    """A host's log, in a directory."""

    def __init__(self, directory: Path) -> None:
        self.log, self.decisive = directory / "log", directory / "decisive"

    def add(self, lines: bytes, limit: Callable[[], None] | None = None) -> "subprocess.CompletedProcess[bytes]":
        argv = [sys.executable, "-IS", "-c", program("log", "log_writer"), str(self.log), str(self.decisive)]
        return subprocess.run(argv, input=lines, capture_output=True, check=False, preexec_fn=limit)

    def says(self) -> HostLog:
        return said_by(read_digest(str(self.log), str(self.decisive)))

    def probed(self, newest: int = 0, *, details: bool = False) -> HostLog:
        return HostLog.model_validate(self.probe(newest, details=details)["log"])

    def probe(self, newest: int = 0, *, details: bool = False) -> dict[str, Any]:
        request = json.loads(probe_request(answers=False, newest=newest, details=details))
        request["paths"] = {name: str(self.log.parent / name) for name in request["paths"]}
        (self.log.parent / "own").mkdir(exist_ok=True)
        argv = [sys.executable, "-IS", "-c", program("log", "lock_file", "probe"), "", ""]
        done = subprocess.run(argv, input=json.dumps(request), capture_output=True, text=True, check=True)
        return json.loads(done.stdout)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def publications(count: int, first: int = 2) -> bytes:
    numbers = range(first, first + count)
    return b"".join(entry(f"{n}", "publish", order=n, snapshot=f"s{n}", hosts={"a": "ok"}).line() for n in numbers)


def test_a_freeze_is_known_however_much_is_published_after_it(kept: Kept) -> None:
    kept.log.write_bytes(FREEZE.line() + publications(3000))
    found = kept.probed(newest=2)
    assert Log(found.decisive).freeze == FREEZE.model_copy(update={"hosts": {}})
    assert (Log(found.decisive).snapshot, found.newest_id, found.order) == ("s3001", "3001", 3001)
    assert [each.id for each in found.newest] == ["3000", "3001"]


def test_a_look_reads_what_was_written_since_and_no_more(kept: Kept) -> None:
    kept.add(FREEZE.line() + publications(3000))
    with kept.log.open("r+b") as file:
        file.write(b"x" * 100_000)
    with kept.log.open("ab") as file:
        file.write(publications(1, first=5000))
    found = kept.probed(newest=3)
    assert (found.refused, found.newest_id, len(found.newest)) == (0, "5000", 3)
    assert Log(found.decisive).freeze is not None


def test_what_an_entry_says_of_hosts_comes_where_it_is_asked_for(kept: Kept) -> None:
    kept.add(FREEZE.line())
    assert kept.probed(newest=1).newest[0].hosts == {}
    assert kept.probed(newest=9, details=True).newest == (FREEZE,)


@pytest.mark.parametrize("cut", [1, 40, -1])
@pytest.mark.parametrize("again", [False, True])
def test_half_a_line_that_a_power_cut_left_spoils_no_other(kept: Kept, cut: int, *, again: bool) -> None:
    kept.add(FREEZE.line())
    torn = entry("2", "unfreeze", 2, reason="é" * 50).line()
    with kept.log.open("ab") as file:
        file.write(torn[: torn.index("é".encode()) + 1 if cut == -1 else cut])
    if again:
        assert kept.probed().refused == 1
    assert kept.add(entry("3", "publish", 3, snapshot="s").line()).stdout == b"1\n"
    found = kept.probed()
    assert ([each.id for each in found.decisive], found.refused) == (["1", "3"], 1)


def test_a_line_without_its_end_counts(kept: Kept) -> None:
    kept.log.write_bytes(FREEZE.line().rstrip())
    assert [each.id for each in kept.probed().decisive] == ["1"]
    kept.add(entry("2", "lock", 2).line())
    assert kept.log.read_bytes() == FREEZE.line() + entry("2", "lock", 2).line()
    assert kept.probed().refused == 0


def test_lines_that_are_written_at_once_are_all_there_and_all_counted(kept: Kept) -> None:
    argv = [sys.executable, "-IS", "-c", program("log", "log_writer"), str(kept.log), str(kept.decisive)]
    writers = [subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(6)]
    for number, writer in enumerate(writers, start=1):
        line = entry(f"{number}", "mark-bad", number, release=f"r{number}", reason="x" * 9000).line()
        assert writer.stdin is not None
        writer.stdin.write(line)
        writer.stdin.close()
    for writer in writers:
        with writer:
            assert writer.wait() == 0
    beside = json.loads(kept.decisive.read_text())
    assert (beside["read_bytes"], beside["refused"]) == (kept.log.stat().st_size, 0)
    assert set(Log(kept.says().decisive).bad) == {f"r{number}" for number in range(1, 7)}


def limited_to(size_bytes: int) -> Callable[[], None]:
    """Let a process write no file longer than that, as a full disk would."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))


def test_on_a_full_disk_nothing_is_added_and_it_is_said(kept: Kept) -> None:
    kept.add(FREEZE.line())
    before = kept.log.read_bytes()
    failed = kept.add(publications(100), limit=limited_to(4096))
    assert failed.returncode != 0
    assert failed.stderr.decode() == f"{kept.log}: File too large; nothing was added to it\n"
    assert kept.log.read_bytes() == before
    assert kept.add(publications(1)).returncode == 0
    assert kept.says().order == 2


def test_an_entry_that_is_on_the_disk_counts_though_there_is_no_room_beside_it(kept: Kept) -> None:
    marks = b"".join(entry(f"{n}", "mark-bad", n, release=f"r{n}", reason="x" * 200).line() for n in range(1, 20))
    assert kept.add(marks, limit=limited_to(len(marks) + 10)).returncode == 0
    assert [file.name for file in kept.log.parent.iterdir()] == ["log"]
    assert len(kept.probed().decisive) == 19


def shorter(kept: Kept) -> None:
    kept.log.write_bytes(FREEZE.line())


def another(kept: Kept) -> None:
    """As long as before, and made of other lines."""
    kept.log.write_bytes(FREEZE.line().replace(b"Papua", b"Aceh!") + publications(7, first=3))


def edited(kept: Kept) -> None:
    """Somebody took a line out."""
    kept.log.write_bytes(
        b"".join(line for line in kept.log.read_bytes().splitlines(keepends=True) if b"s4" not in line)
    )


@pytest.mark.parametrize("change", [shorter, another, edited])
@pytest.mark.parametrize("grows", [False, True])
def test_what_is_kept_beside_another_log_is_made_anew(
    kept: Kept, change: Callable[[Kept], None], *, grows: bool
) -> None:
    kept.add(FREEZE.line() + publications(8))
    change(kept)
    if grows:
        kept.add(publications(30, first=50))
    found = kept.probed()
    kept.decisive.unlink()
    assert kept.probed() == found


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"read_bytes": -5}', '{"read_bytes": "x"}', "\0\0", "[" * 9999])
def test_a_spoilt_file_beside_the_log_is_made_anew(kept: Kept, text: str) -> None:
    kept.add(FREEZE.line() + publications(3))
    found = kept.probed()
    kept.decisive.write_text(text)
    assert kept.probed() == found
    kept.add(publications(1, first=9))
    assert json.loads(kept.decisive.read_text())["order"] == 9


@pytest.mark.parametrize(
    ("seconds", "intent", "kept_by_it"), [(60, None, True), (-60, None, False), (-60, {"id": "x"}, True)]
)
def test_a_lock_has_ended_when_the_hosts_own_clock_says_so(
    kept: Kept, seconds: float, intent: object, *, kept_by_it: bool
) -> None:
    lock = {"token": "a", "expires_unix_s": time.time() + seconds, "intent": intent}
    kept.log.with_name("lock").write_text(json.dumps(lock))
    assert kept.probe()["lock"] == (lock if kept_by_it else None)


def test_without_a_log_nothing_is_said(kept: Kept) -> None:
    assert kept.probed(newest=5) == HostLog()
