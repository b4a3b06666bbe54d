"""Running what takes long, one thing beside another, where the operator sees that each moves.

Python's standard library only: set-up uses it before anything is installed.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TextIO

from infra.bridge.errors import OperatorError

OWN_REPORT = re.compile(r"^error: (.+)(?:\nnext: (.+))?\Z", re.MULTILINE)
"""How a command of this project's own ends when it fails: it has the sentence already."""

CAUSES = (
    (re.compile(r"No space left on device"), "the disk is full", "df -h ."),
    (
        re.compile(r"NewConnectionError|Temporary failure resolving|Could not connect|Could not resolve|dial tcp"),
        "the package registry can't be reached",
        None,
    ),
)
"""What pip, apt and Go say when it isn't the package's fault; the sentence for it; what to type instead."""

TICK_SECONDS = 0.2
PLAIN_EVERY_SECONDS = 15

ENDING = ((signal.SIGINT, 10.0), (signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0))
"""How a command is ended, with all that it started, and how long each way has, in seconds: apt lets dpkg come to its
end and mmdebstrap unmounts, if they are asked as a terminal asks."""


@dataclass
class _Step:
    """What is under way, and how far it is."""

    name: str
    counted: str = ""
    remarks: str = ""
    said: IO[str] | None = None
    started: float = field(default_factory=time.monotonic)
    shown: float = -PLAIN_EVERY_SECONDS

    def line(self, columns: int, ended: str = "") -> str:
        """The step as one line that isn't longer than the terminal is wide."""
        how_far = f": {time.monotonic() - self.started:.0f} s"
        if self.counted and self.said:
            how_far += f", {_lines(self.said, self.remarks)} {self.counted}"
        how_far += f", {ended}" if ended else ""
        room = columns - len(how_far)
        return (self.name if len(self.name) <= room else f"{self.name[: max(room - 1, 0)]}…") + how_far


class Board:
    """Where commands that run beside each other are shown: in place on a terminal, else a line each now and then.

    Args:
        output: Where to.
    """

    def __init__(self, output: TextIO | None = None) -> None:
        self._output = output or sys.stdout
        self._terminal = self._output.isatty()
        self._under_way: list[_Step] = []
        self._lines_in_place = 0
        self._lock = threading.Lock()
        self._interrupted = threading.Event()

    def run(
        self,
        argv: Sequence[str],
        *,
        step: str,
        next_command: str,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        counted: str = "",
        remarks: str = "",
    ) -> None:
        """Run a command to its end; other threads may do the same meanwhile.

        Args:
            argv: The command and its arguments.
            step: What is being done, for the counter and the error's sentence.
            next_command: What to type if it fails.
            cwd: Where it runs.
            environment: Its environment; ours if None.
            counted: What a line of its standard error stands for, if that is to be counted too.
            remarks: How a line of it begins that stands for nothing, if there are such.

        Raises:
            OperatorError: It is not installed or failed; the message ends with its last words.
            KeyboardInterrupt: We were interrupted; nothing of it runs any more.
        """
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
            try:
                process = subprocess.Popen(
                    argv,
                    cwd=cwd,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=said,
                    start_new_session=True,
                )
            except FileNotFoundError as error:
                raise OperatorError(f"{step}: '{argv[0]}' is not installed", next_command=next_command) from error
            try:
                self._show_until(lambda: _ended(process), _Step(step, counted, remarks, said))
            except BaseException:
                end(process)
                raise
            said.seek(0)
            words = said.read().strip()
        if process.returncode != 0:
            raise _error(words or f"exit code {process.returncode}", step, next_command)

    def wait(self, ready: Callable[[], bool], *, step: str) -> None:
        """Wait for somebody else.

        Args:
            ready: Asked now and then, until it is true.
            step: What is waited for.

        Raises:
            KeyboardInterrupt: We were interrupted.
        """
        if not ready():
            self._show_until(lambda: "done" if ready() else time.sleep(TICK_SECONDS), _Step(step))

    def interrupt(self) -> None:
        """End all that runs, from another thread: each `run` and `wait` raises KeyboardInterrupt."""
        self._interrupted.set()

    def _show_until(self, ended: Callable[[], str | None], step: _Step) -> None:
        """Show a step until it has ended, in a word; asking for it takes a moment."""
        with self._lock:
            self._under_way.append(step)
        word = None
        try:
            while word is None:
                if self._interrupted.is_set():
                    raise KeyboardInterrupt
                self._show(step)
                word = ended()
        finally:
            with self._lock:
                self._under_way.remove(step)
                self._write(step.line(self._columns(), word or "interrupted"))

    def _show(self, step: _Step) -> None:
        with self._lock:
            if self._terminal:
                self._write()
            elif time.monotonic() - step.shown >= PLAIN_EVERY_SECONDS:
                step.shown = time.monotonic()
                self._write(step.line(self._columns()))

    def _write(self, *lasting: str) -> None:
        """Write lines that stay; on a terminal, what is under way below them, over what stood there."""
        in_place = [step.line(self._columns()) for step in self._under_way] if self._terminal else []
        back = f"\x1b[{self._lines_in_place}F\x1b[J" if self._lines_in_place else ""
        self._output.write(back + "".join(f"{line}\n" for line in (*lasting, *in_place)))
        self._output.flush()
        self._lines_in_place = len(in_place)

    def _columns(self) -> int:
        return shutil.get_terminal_size().columns if self._terminal else sys.maxsize


def end(process: subprocess.Popen[bytes]) -> None:
    """End a command that leads a session, with all that it started there."""
    for number, seconds in ENDING:
        left = _send(process, number)
        deadline = time.monotonic() + seconds
        while left and time.monotonic() < deadline:
            time.sleep(TICK_SECONDS / 4)
            left = _send(process, 0)
        if not left:
            return


def _send(process: subprocess.Popen[bytes], number: int) -> bool:
    """Send a signal to a session's processes (0: none); return whether there are any."""
    process.poll()
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def _error(words: str, step: str, next_command: str) -> OperatorError:
    if own := OWN_REPORT.search(words):
        return OperatorError(own[1], next_command=own[2] or next_command)
    for sign, sentence, instead in CAUSES:
        if sign.search(words):
            return OperatorError(f"{step}: {sentence}", next_command=instead or next_command)
    return OperatorError(f"{step}: {words.splitlines()[-1]}", next_command=next_command)


def _ended(process: subprocess.Popen[bytes]) -> str | None:
    try:
        return "failed" if process.wait(TICK_SECONDS) else "done"
    except subprocess.TimeoutExpired:
        return None


def _lines(file: IO[str], remarks: str) -> int:
    with Path(f"/proc/self/fd/{file.fileno()}").open("rb") as reader:  # its own place in the file, not the writer's
        whole = [line for line in reader if line.endswith(b"\n")]
    return sum(not (remarks and line.startswith(remarks.encode())) for line in whole)
