"""The changes that CONTRIBUTING.md works through are made here, each in a copy of the checkout."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.stands.lab import PROJECT

COPIED = ("app", "infra", "roles", "stacks", "templates", "tests", "tools", "fabfile.py", "pyproject.toml")
SECTION = re.compile(r"^## (.*?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"```(diff|console)\n(.*?)```", re.DOTALL)
ANYTHING = "…"


@dataclass(frozen=True)
class Example:
    """A section with a patch, and commands with what they print."""

    title: str
    patch: str
    console: str


def examples() -> list[Example]:
    found: list[Example] = []
    for title, text in SECTION.findall((PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")):
        blocks = dict(BLOCK.findall(text))
        if "diff" in blocks:
            found.append(Example(title, blocks["diff"], blocks["console"]))
    return found


def expected(console: str) -> list[tuple[str, list[str]]]:
    """Each command with the lines that it must print, in order."""
    commands: list[tuple[str, list[str]]] = []
    for line in console.splitlines():
        if line.startswith("$ "):
            commands.append((line.removeprefix("$ "), []))
        else:
            commands[-1][1].extend(part for part in line.split(ANYTHING) if part)
    return commands


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in COPIED:
        source, target = PROJECT / name, tmp_path / name
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    return tmp_path


def run(
    argv: list[str], directory: Path, environment: Mapping[str, str], stdin: str = ""
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        argv, input=stdin, cwd=directory, env=environment, text=True, capture_output=True, check=False
    )


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.title)
def test_a_worked_change_fits_today_and_does_what_it_says(example: Example, copy: Path) -> None:
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(copy.parent), "PYTHONPATH": str(copy), "COLUMNS": "120"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    applied = run(["git", "apply", "-"], copy, environment, example.patch)
    assert applied.returncode == 0, applied.stderr
    for command, lines in expected(example.console):
        result = run(["bash", "-c", command], copy, {**environment, "PATH": path})
        printed, rest = result.stdout + result.stderr, result.stdout
        assert result.returncode == 0, printed
        for line in lines:
            before, found, rest = rest.partition(line)
            assert found, f"{command}: {line!r} is not printed after {before[-200:]!r}"


def test_every_kind_of_change_that_people_make_is_worked_through() -> None:
    words = ("file", "step", "location", "claim", "alarm")
    assert len(examples()) == len(words)
    for word, example in zip(words, examples(), strict=True):
        assert word in example.title.lower()
