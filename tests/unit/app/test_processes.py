"""Several processes of the service: they end together, however one of them ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.stands.lab import PROJECT
from tests.stands.waiting import until

SERVES = """
import os, signal, sys, time
from app import processes
def serve():
    signal.signal(signal.SIGTERM, lambda *_: ending.append(1))
    os.write(1, f"{os.getpid()}\\n".encode())
    while not ending:
        time.sleep(0.01)
    time.sleep(0.3)  # an answer that has begun
    os.write(1, b"finished\\n")
ending = []
sys.exit(processes.run(serve, 3))
"""


@contextmanager
def serving() -> Generator[tuple[subprocess.Popen[str], list[int]], None, None]:
    """The first process, and the others' numbers."""
    argv = [sys.executable, "-c", SERVES]
    with subprocess.Popen(argv, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as first:
        try:
            assert first.stdout
            yield first, [int(first.stdout.readline()) for _ in range(3)]
        finally:
            first.kill()


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_they_finish_what_they_do(number: signal.Signals) -> None:
    with serving() as (first, others):
        first.send_signal(number)
        said, _ = first.communicate(timeout=10)
    assert said == "finished\n" * 3
    assert first.returncode == 0
    assert not any(map(runs, others))


def test_one_that_dies_takes_the_others_along_and_that_is_a_failure() -> None:
    with serving() as (first, others):
        os.kill(others[1], signal.SIGKILL)
        said, _ = first.communicate(timeout=10)
    assert said == "finished\n" * 2
    assert first.returncode == 1
    assert not any(map(runs, others))


def test_none_is_left_where_the_first_one_is_killed() -> None:
    with serving() as (first, others):
        first.kill()
        first.wait()
        until(lambda: not any(map(runs, others)))
