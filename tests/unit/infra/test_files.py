"""Files that are made: whole, of the right mode whatever the umask, and never mixed up with another writer's."""

import os
import stat
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

import pytest

from infra.bridge.errors import OperatorError
from infra.bridge.files import PRIVATE, PRIVATE_DIRECTORY, make_directory, write_whole


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o077, 0o000, 0o022], ids=oct)
def mask(request: pytest.FixtureRequest) -> Generator[int, None, None]:
    """The umask, while the test runs."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.usefixtures("mask")
def test_no_umask_changes_a_mode(tmp_path: Path) -> None:
    write_whole(tmp_path / "shown/here/ca.crt", b"")
    write_whole(tmp_path / "edge.key", b"", PRIVATE)
    make_directory(tmp_path / "state/stack", PRIVATE_DIRECTORY)
    parts = ("shown", "shown/here", "shown/here/ca.crt", "edge.key", "state", "state/stack")
    assert [mode_of(tmp_path / part) for part in parts] == [0o755, 0o755, 0o644, 0o600, 0o755, 0o700]


def test_a_directory_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir(mode=0o750)
    write_whole(tmp_path / "own/file", b"")
    assert mode_of(tmp_path / "own") == 0o750


def test_of_writers_that_meet_one_wins_and_nothing_half_made_is_left(tmp_path: Path) -> None:
    file = tmp_path / "note"
    contents = [bytes([letter]) * 100_000 for letter in range(65, 73)]
    with ThreadPoolExecutor(len(contents)) as writers:
        for _ in range(10):
            list(writers.map(write_whole, repeat(file), contents))
            assert file.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [file]


def test_what_can_not_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/file").touch()
    with pytest.raises(OperatorError, match="taken can't be written: Is a directory") as error:
        write_whole(tmp_path / "taken", b"new")
    assert error.value.next_command
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
