"""The built engine's language host: a program that the engine gave up is ended, and its end is waited for."""

import time
from collections.abc import Callable, Generator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from tools.engine.language_host import MESSAGE_WAS_SHOWN, LanguageHost

Stub = Any
"""What gRPC makes has no types."""

RUNNER = """
import os, pathlib, sys, time
pathlib.Path("pid").write_text(str(os.getpid()))
{then}
"""


def runs(tmp_path: Path, then: str) -> Path:
    """What stands in for the runner of programs: it notes who it is, and does something."""
    runner = tmp_path / "runner.py"
    runner.write_text(RUNNER.format(then=then))
    return runner


@pytest.fixture
def server(tmp_path: Path) -> Generator[tuple[grpc.Server, int], None, None]:
    """A host, and the port that it listens on."""
    served = grpc.server(futures.ThreadPoolExecutor())
    host = LanguageHost("127.0.0.1:1", tmp_path / "runner.py")
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, served)
    port = served.add_insecure_port("127.0.0.1:0")
    served.start()
    yield served, port
    served.stop(0).wait()


@pytest.fixture
def engine(server: tuple[grpc.Server, int]) -> Generator[Stub, None, None]:
    """The engine's side of it."""
    with grpc.insecure_channel(f"127.0.0.1:{server[1]}") as channel:
        yield language_pb2_grpc.LanguageRuntimeStub(channel)


def request(tmp_path: Path) -> language_pb2.RunRequest:
    return language_pb2.RunRequest(pwd=str(tmp_path), project="p", stack="s")


@pytest.mark.parametrize(
    ("then", "error", "bail"),
    [
        ("", "", False),
        (f"sys.exit({MESSAGE_WAS_SHOWN})", "", True),
        ("sys.exit(3)", "the program ended with exit code 3", False),
    ],
)
def test_how_a_program_ends_is_told(engine: Stub, tmp_path: Path, then: str, error: str, *, bail: bool) -> None:
    runs(tmp_path, then)
    answer = engine.Run(request(tmp_path))
    assert (answer.error, answer.bail) == (error, bail)


def test_a_program_that_the_engine_gave_up_is_ended(engine: Stub, tmp_path: Path) -> None:
    runs(tmp_path, "time.sleep(60)")
    call = engine.Run.future(request(tmp_path))
    pid = _written(tmp_path / "pid")
    call.cancel()
    _until_gone(pid)


def test_a_host_that_is_ended_leaves_no_program(engine: Stub, server: tuple[grpc.Server, int], tmp_path: Path) -> None:
    runs(tmp_path, "time.sleep(60)")
    call = engine.Run.future(request(tmp_path))
    pid = _written(tmp_path / "pid")
    server[0].stop(0).wait()
    assert call.exception() is not None
    _until_gone(pid)


def _written(file: Path) -> int:
    _until(lambda: file.exists() and file.read_text() != "")
    return int(file.read_text())


def _until_gone(pid: int) -> None:
    _until(lambda: not Path(f"/proc/{pid}").exists())


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
