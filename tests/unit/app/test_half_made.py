"""A folder for what is half made: shared by nobody, and gone with whoever made it."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.loader.half_made import half_made
from tests.stands.lab import PROJECT

MAKER = """
import sys
from pathlib import Path
from app.loader.half_made import half_made
with half_made(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("x")
    print(folder.name, flush=True)
    sys.stdin.read()
"""


def maker(target: Path) -> "tuple[subprocess.Popen[str], str]":
    """A process that makes something, and the name of its folder."""
    argv = [sys.executable, "-c", MAKER, str(target)]
    process = subprocess.Popen(argv, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, process.stdout.readline().strip()


def names(target: Path) -> set[str]:
    return {path.name for path in target.iterdir()}


def test_what_was_killed_leaves_its_folder_to_the_next_one_and_who_lives_keeps_his(tmp_path: Path) -> None:
    (killed, left), (lives, kept) = maker(tmp_path), maker(tmp_path)
    killed.kill()
    killed.communicate()
    assert names(tmp_path) == {left, kept}
    with half_made(tmp_path) as folder:
        assert names(tmp_path) == {kept, folder.name}
    assert names(tmp_path) == {kept}
    lives.communicate()  # it ends by itself
    assert names(tmp_path) == set()


def test_what_failed_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileExistsError), half_made(tmp_path / "new") as folder:
        folder.mkdir()
    assert names(tmp_path / "new") == set()
