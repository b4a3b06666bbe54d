"""Running something long where the operator sees that it moves. Python's standard library only: set-up uses it."""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.bridge.errors import OperatorError

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


def run(
    argv: Sequence[str],
    *,
    step: str,
    next_command: str,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    counted: str = "",
) -> None:
    """Run a command to its end, showing the seconds that pass: in place on a terminal, else a line now and then.

    Args:
        argv: The command and its arguments.
        step: What is being done, for the counter and the error's sentence.
        next_command: What to type if it fails.
        cwd: Where it runs.
        environment: Its environment; ours if None.
        counted: What a line of its standard error stands for, if that is to be counted too.

    Raises:
        OperatorError: It is not installed or failed; the message ends with its last words.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        try:
            process = subprocess.Popen(
                argv, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
            )
        except FileNotFoundError as error:
            raise OperatorError(f"{step}: '{argv[0]}' is not installed", next_command=next_command) from error
        try:
            _show_until_done(process, step, Path(f"/proc/self/fd/{said.fileno()}") if counted else None, counted)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        said.seek(0)
        words = said.read()
    if process.returncode != 0:
        raise _error(words.strip() or f"exit code {process.returncode}", step, next_command)


def _error(words: str, step: str, next_command: str) -> OperatorError:
    for sign, sentence, instead in CAUSES:
        if sign.search(words):
            return OperatorError(f"{step}: {sentence}", next_command=instead or next_command)
    return OperatorError(f"{step}: {words.splitlines()[-1]}", next_command=next_command)


def _show_until_done(process: subprocess.Popen[bytes], step: str, said: Path | None, counted: str) -> None:
    started = time.monotonic()
    terminal = sys.stdout.isatty()
    shown_at = started - PLAIN_EVERY_SECONDS
    while True:
        now = time.monotonic()
        if terminal or now - shown_at >= PLAIN_EVERY_SECONDS:
            shown_at = now
            count = f", {_lines(said)} {counted}" if said else ""
            _show(f"{step}: {now - started:.0f} s{count}", in_place=terminal)
        if process.poll() is not None:
            break
        time.sleep(TICK_SECONDS)
    if terminal:
        _show(
            f"{step}: {time.monotonic() - started:.0f} s, {'done' if process.returncode == 0 else 'failed'}\n",
            in_place=True,
        )


def _show(text: str, *, in_place: bool) -> None:
    sys.stdout.write(f"\r\x1b[K{text}" if in_place else f"{text}\n")
    sys.stdout.flush()


def _lines(file: Path) -> int:
    with file.open("rb") as reader:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: reader.read(1 << 16), b""))
