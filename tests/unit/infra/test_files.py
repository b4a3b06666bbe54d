"""Files that are made: whole, of the right mode whatever the umask, and never mixed up with another writer's."""

import os
import stat
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

import pytest

from infra.bridge.errors import OperatorError
from infra.bridge.files import PRIVATE, PRIVATE_DIRECTORY, make_directory, read_utf8, write_if_other, write_whole


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


def test_a_file_that_is_as_it_should_be_is_not_written_again(tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    write_if_other(file, b"one")
    first = file.stat().st_ino
    write_if_other(file, b"one")
    assert file.stat().st_ino == first
    write_if_other(file, b"other")
    assert file.read_bytes() == b"other"
    assert file.stat().st_ino != first


def test_text_that_is_not_utf8_is_one_sentence_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "a template"
    file.write_bytes("satu\nd\u00e9ux".encode("latin-1"))
    with pytest.raises(OperatorError, match="a template is not UTF-8: line 2 has the byte 0xe9") as caught:
        read_utf8(file)
    assert caught.value.next_command == f"$EDITOR '{file}'"
    file.write_bytes("satu\nd\u00e9ux".encode())
    assert read_utf8(file) == "satu\nd\u00e9ux"
