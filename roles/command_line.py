"""What `fab` itself takes on its command line: options of fabric's that mean nothing here are refused, not ignored."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from fabric import Executor  # pyright: ignore[reportMissingTypeStubs]  # it has none

from infra.bridge.errors import OperatorError
from roles.output import lost_output
from roles.terminal import operator_command

if TYPE_CHECKING:
    from invoke.parser.context import ParserContext
    from invoke.runners import Result
    from invoke.tasks import Task

OUTPUT_LOST = 74
"""EX_IOERR of sysexits.h: the tasks are done, and what they said could not be written."""

WORKING = frozenset(
    {
        "collection",
        "complete",
        "debug",
        "help",
        "list",
        "list-agent-keys",
        "list-depth",
        "list-format",
        "no-dedupe",  # each task runs as often as it is named, with it and without
        "print-completion-script",
        "search-root",
        "version",
        "write-pyc",
    }
)
_OWN_KEY = "the operators' key is the one whose public half the stack's hosts were given (tegak:operator_key_file)"
_OWN_TIMES = "each step has its own time-out"
_NO_SHELL = "tasks run no commands of fabric's"
_NO_PASSWORD = "no task asks for a password"  # noqa: S105
REFUSED: Mapping[str, tuple[str, str]] = {
    "command-timeout": (_OWN_TIMES, "the same without it"),
    "config": ("what a task does is in its own options and the stack's settings", "fab --help TASK"),
    "connect-timeout": (_OWN_TIMES, "the same without it"),
    "dry": ("the task would run all the same", "fab plan; deploy, rollback, configure and bucket have --dry-run"),
    "echo": (_NO_SHELL, "fab deploy --dry-run prints every script; rollback and configure do too"),
    "hide": (_NO_SHELL, "the same without it"),
    "hosts": ("a task works on the whole stack, once", "fab status --stack NAME shows its hosts"),
    "identity": (_OWN_KEY, "the same without it; a key that is not beside it may be held by ssh-agent: ssh-add FILE"),
    "prompt-for-login-password": (_NO_PASSWORD, "the same without it"),
    "prompt-for-passphrase": (_NO_PASSWORD, "ssh-add FILE, then the same without it"),
    "prompt-for-sudo-password": (_NO_PASSWORD, "the same without it"),
    "pty": (_NO_SHELL, "the same without it"),
    "ssh-config": ("addresses, ports and host keys are the stack's own", "pulumi stack output inventory"),
    "warn-only": ("what fails is put back, or named", "the same without it; --failed-hosts N lets hosts fail"),
}
"""Why an option is refused, and what to type instead."""


def number_option(option: str, text: str, task: str, *, whole: bool = True, least: int = 0) -> float:
    """A number as people type it: 3000000, 3_000_000, 3,000,000.

    Args:
        option: The task's option.
        text: What was typed.
        task: The task.
        whole: Whether it must be a whole number.
        least: Less is refused.

    Raises:
        OperatorError: It is no such number.
    """
    plain = text.replace(",", "").replace("_", "")
    try:
        number = int(plain) if whole else float(plain)
    except ValueError:
        number = None
    if number is None or not number >= least:
        raise OperatorError(
            f"--{option} is {text!r:.40}: it must be a {'whole ' if whole else ''}number of at least {least}",
            next_command=f"fab --help {task}",
        )
    return number


class StackExecutor(Executor):
    """Runs the tasks of a command line; fabric.yaml names it."""

    def execute(self, *tasks: "str | tuple[str, dict[str, Any]] | ParserContext") -> "dict[Task[Any], Result]":
        """Run them, unless they were given an option that they would ignore."""
        operator_command(self._refuse_what_is_ignored)()
        results = cast("dict[Task[Any], Result]", super().execute(*tasks))  # pyright: ignore[reportUnknownMemberType]
        operator_command(_say_if_output_is_lost)()
        return results

    def _refuse_what_is_ignored(self) -> None:
        given = cast("_Given", self.core)
        if given.remainder:
            raise OperatorError(
                "a task runs nothing after '--'; nothing was done",
                next_command="ssh -F .cache/STACK/ssh_config HOST …, with what fab verify writes",
            )
        for name, (why, instead) in REFUSED.items():
            option = given[0].args[name]
            if option.value not in (None, False, []):
                raise OperatorError(f"fab's option --{name} is refused: {why}; nothing was done", next_command=instead)


class _Option(Protocol):
    value: object


class _Options(Protocol):
    args: Mapping[str, _Option]


class _Given(Protocol):
    """What invoke has read of a command line (invoke.parser.ParseResult)."""

    remainder: str

    def __getitem__(self, index: Literal[0], /) -> _Options: ...


def _say_if_output_is_lost() -> None:
    problem = lost_output()
    if problem is not None:
        raise OperatorError(
            f"what was asked for is done, but its output could not be written: {problem.strerror}",
            next_command="fab status, with its output elsewhere",
            exit_code=OUTPUT_LOST,
        )
