"""Fabric's own options: each works or is refused, and none is ignored."""

import subprocess
import sys

import pytest
from fabric.main import program  # pyright: ignore[reportMissingTypeStubs]  # it has none

from infra.bridge.errors import OperatorError
from roles.command_line import OUTPUT_LOST, REFUSED, WORKING, StackExecutor, number_option
from tests.stands.lab import PROJECT

VALUES = {
    "command-timeout": "=5",
    "config": "=fabric.yaml",
    "connect-timeout": "=5",
    "hide": "=both",
    "hosts": "=a,b",
    "identity": "=key",
    "ssh-config": "=ssh_config",
}
NO_STACK = "stack-that-is-not-there"


def fab(*words: str, stdout: int | None = subprocess.PIPE) -> "subprocess.CompletedProcess[str]":
    """Fabric as it is typed, in a process of its own."""
    argv = [sys.executable, "-m", "fabric", *words]
    return subprocess.run(
        argv, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False
    )


def test_every_option_of_fabric_is_decided() -> None:
    arguments = [*program.core_args(), *program.task_args()]  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    names = {max(argument.names, key=len) for argument in arguments}  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType, reportUnknownArgumentType]
    assert names == WORKING | set(REFUSED)
    assert not WORKING & set(REFUSED)


@pytest.mark.parametrize("place", ["before the task", "after the task"])
@pytest.mark.parametrize("name", sorted(REFUSED))
def test_an_option_that_no_task_heeds_is_refused(
    name: str, place: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(PROJECT)
    option, words = f"--{name}{VALUES.get(name, '')}", ["freeze", "--reason=x", f"--stack={NO_STACK}"]
    program.create_config()
    program.parse_core(["fab", *words, option] if place == "after the task" else ["fab", option, *words])  # pyright: ignore[reportUnknownMemberType]
    program.parse_collection()
    program.parse_tasks()  # pyright: ignore[reportUnknownMemberType]
    with pytest.raises(SystemExit) as ended:
        StackExecutor(program.collection, program.config, program.core).execute(*program.tasks)
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: fab's option --{name} is refused: ")
    assert "; nothing was done\nnext: " in said


@pytest.mark.parametrize("words", ["--dry freeze --reason=x", "-H a,b freeze --reason=x", "freeze --reason=x -- ls"])
def test_fab_itself_refuses_them(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(PROJECT)
    with pytest.raises(SystemExit):
        program.run(["fab", *words.split()])  # pyright: ignore[reportUnknownMemberType]
    assert "; nothing was done\nnext: " in capsys.readouterr().err


def test_a_task_without_them_is_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(PROJECT)
    program.run(["fab", "cost", "--brief"])  # pyright: ignore[reportUnknownMemberType]
    assert "the night:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "number"), [("3000000", 3_000_000), ("3_000_000", 3_000_000), ("3,000,000", 3_000_000), ("1", 1)]
)
def test_a_number_is_read_as_people_type_it(typed: str, number: int) -> None:
    assert number_option("last", typed, "history") == number


@pytest.mark.parametrize("typed", ["", "abc", "-1", "0", "1.5", "9" * 5000, "٣x"])
def test_what_is_no_number_of_its_kind_is_one_sentence(typed: str) -> None:
    with pytest.raises(OperatorError, match="--last is ") as caught:
        number_option("last", typed, "history", least=1)
    assert len(caught.value.message) < 120
    assert caught.value.next_command == "fab --help history"


@pytest.mark.parametrize("typed", ["nan", "-1", "malam"])
def test_hours_are_a_number_that_can_be_compared(typed: str) -> None:
    with pytest.raises(OperatorError, match="--hours is "):
        number_option("hours", typed, "cost", whole=False)


def test_a_task_whose_output_is_lost_is_done_and_says_so() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123  # a device
        result = fab("cost", "--brief", stdout=full.fileno())
    assert result.returncode == OUTPUT_LOST
    assert result.stderr.startswith("error: what was asked for is done, but its output could not be written: No space")
