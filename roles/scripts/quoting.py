"""How a script is put together: words are quoted, a failing line ends it, and it says which check failed."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from roles.on_host import program

CHECKERS_LINES, CHECKERS_COLUMNS = 4, 300
"""What is shown of a checker's words; with the sentence before them it is what a failing step tells (Remote.run)."""

Word = str | int | PurePosixPath


@dataclass(frozen=True)
class Script:
    """Lines for bash on a host; the first one that fails ends it.

    Args:
        lines: The lines.
        timeout_seconds: When the host ends it by itself, so that nothing goes on running after we gave up.
    """

    lines: tuple[str, ...]
    timeout_seconds: int

    @property
    def text(self) -> str:
        """The whole text."""
        return "\n".join(("set -euo pipefail", *self.lines))

    def command_line(self) -> str:
        """The command for ssh: as root, ended by the host after the time-out, killed 5 s later if it holds on."""
        return f"sudo {self.command_line_of_root()}"

    def command_line_of_root(self) -> str:
        """The same, for who is root already: sudo would write the whole text into the host's journal."""
        return command("timeout", "-k", 5, self.timeout_seconds, "bash", "-c", self.text)

    def then(self, other: "Script | None") -> "Script":
        """This script, then another one, in one go."""
        if other is None:
            return self
        return Script((*self.lines, *other.lines), self.timeout_seconds + other.timeout_seconds)


def command(*words: Word) -> str:
    """One command, each word quoted."""
    return " ".join(shlex.quote(str(word)) for word in words)


def script(*lines: str, timeout_seconds: int = 60) -> Script:
    """A script."""
    return Script(lines, timeout_seconds)


def sent_programs() -> Mapping[str, str]:
    """The programs that steps of a plan send along, quoted as a script has them, by name."""
    return {name: command(program(name)) for name in ("activation", "receive_snapshot")}


def pipe(*commands: str) -> str:
    """Commands, each reading what the one before it prints."""
    return " | ".join(commands)


def all_of(*conditions: str) -> str:
    """A condition that holds if all of these do."""
    return " && ".join(conditions)


def unless(condition: str, act: str) -> str:
    """A line that does something if the condition's command fails."""
    return f"{condition} || {act}"


def group(*lines: str) -> str:
    """Commands taken as one."""
    return f"{{ {'; '.join(lines)}; }}"


def case_of(condition: str, *lines: str, otherwise: Sequence[str] = ()) -> list[str]:
    """Lines that run only if the condition's command succeeds.

    Args:
        condition: The command.
        lines: What runs then.
        otherwise: What runs if it fails.
    """
    apart = ["else", *(f"  {line}" for line in otherwise)] if otherwise else []
    return [f"if {condition}; then", *(f"  {line}" for line in lines), *apart, "fi"]


def output_of(asked: str) -> str:
    """What a command prints, as one word."""
    return f'"$({asked})"'


def keep(variable: str, asked: str) -> str:
    """Keep what a command prints; one that fails ends the script, as it would not within a condition."""
    return f"{variable}=$({asked})"


def prints(asked: str, answer: Word) -> str:
    """A condition: a command prints this and nothing else."""
    return f"[ {output_of(asked)} = {command(answer)} ]"


def exists(path: Word) -> str:
    """A condition: there is something at a path."""
    return command("test", "-e", path)


def reading(asked: str, path: Word) -> str:
    """A command with a file as its standard input."""
    return f"{asked} < {command(path)}"


def writing(asked: str, path: Word) -> str:
    """A command whose output becomes a file."""
    return f"{asked} > {command(path)}"


def to_errors(asked: str) -> str:
    """A command whose output is the step's error."""
    return f"{asked} >&2"


def silent(asked: str) -> str:
    """A command that says nothing."""
    return f"{asked} > /dev/null 2>&1"


def refuse_unless(condition: str, message: str, exit_code: int = 1) -> str:
    """A line that ends the script with a sentence if the condition's command fails."""
    return unless(condition, group(to_errors(command("echo", message)), command("exit", exit_code)))


def ask_checker(checker: str, refusal: str, *undo: str) -> list[str]:
    """Lines that ask a daemon's own checker; where it refuses, they say so in its words, and end the script.

    What it calls notices is left out, and so is the staging directory (`$stage`), which is gone by then.

    Args:
        checker: Its command, quoted.
        refusal: What it is that it refuses.
        undo: Lines that are run first where it does.
    """
    words = (
        """printf '%s\\n' "${said:-it says nothing}\"""",
        'sed "s|$stage||g"',
        command("grep", "-vF", "[NOTICE]"),
        command("head", "-n", CHECKERS_LINES),
        command("cut", "-c", f"1-{CHECKERS_COLUMNS}"),
    )
    return case_of(
        f"! said=$({checker} 2>&1)", *undo, to_errors(command("echo", refusal)), to_errors(pipe(*words)), "exit 1"
    )


def wait_until(condition: str, seconds: int, *otherwise: str, hopeless: str = "false") -> list[str]:
    """Lines that try a condition ten times a second.

    Args:
        condition: A command that succeeds in the end.
        seconds: How long it is tried.
        otherwise: Commands to run before the script ends without it; what they print is the error.
        hopeless: A command that succeeds when there is nothing left to wait for.
    """
    return [
        f"deadline=$((SECONDS + {seconds}))",
        f"until {condition}; do",
        f"  if [ $SECONDS -ge $deadline ] || {hopeless}; then",
        *(f"    {line} >&2" for line in otherwise),
        "    exit 1",
        "  fi",
        "  sleep 0.1",
        "done",
    ]
