"""Standard output and error that take whatever is written: reporting must never end what is reported.

Whoever reads may go away (`fab deploy | head`), the disk behind a file may fill, a terminal may not know a character, a
stream may not be open at all. What can't be written is dropped, and the work goes on.
"""

import errno
import io
import os
import select
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

STANDARD_INPUT, STANDARD_OUTPUT, STANDARD_ERROR = range(3)


class Unfailing(io.FileIO):
    """A file descriptor that takes everything.

    Args:
        descriptor: Written to; stays open.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "wb", closefd=False)
        self.problem: OSError | None = None

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write, or drop what can't be written and note why."""
        while True:
            try:
                written: int | None = super().write(data)
            except OSError as error:
                self.problem = self.problem or error
                return memoryview(data).nbytes
            if written is not None:
                return written
            # A terminal that another program left non-blocking: it takes more in a moment.
            select.select([], [self], [])


def make_output_unfailing() -> None:
    """Put unfailing streams in the place of standard output and error; a stream that isn't open leads nowhere."""
    if sys.stdout is not sys.__stdout__ or isinstance(_raw(sys.stdout), Unfailing):
        return  # somebody collects the output already
    for descriptor in (STANDARD_INPUT, STANDARD_OUTPUT, STANDARD_ERROR):
        _open_if_closed(descriptor)
    sys.stdout = _stream(STANDARD_OUTPUT, sys.stdout)
    sys.stderr = _stream(STANDARD_ERROR, sys.stderr)


def lost_output() -> OSError | None:
    """Why some of standard output is lost, if it is, and whoever should have read it didn't simply go away."""
    sys.stdout.flush()
    raw = _raw(sys.stdout)
    problem = raw.problem if isinstance(raw, Unfailing) else None
    return None if problem is None or problem.errno == errno.EPIPE else problem


def run_shown(argv: Sequence[str], directory: Path, environment: Mapping[str, str]) -> int:
    """Run a command whose output the operator sees, to its end, also where nobody sees it any more.

    Args:
        argv: The command.
        directory: Where it runs.
        environment: What it runs with.

    Returns:
        Its exit code.
    """
    sys.stdout.flush()
    shown = sys.stdout.isatty()
    to = None if shown else subprocess.PIPE
    with subprocess.Popen(argv, cwd=directory, env=environment, stdout=to, stderr=to) as process:
        passing = [
            threading.Thread(target=_pass_on, args=(source, sink), daemon=True)
            for source, sink in ((process.stdout, sys.stdout), (process.stderr, sys.stderr))
            if source is not None
        ]
        for thread in passing:
            thread.start()
        try:
            process.wait()
        except KeyboardInterrupt:
            process.wait()  # Ctrl-C was its too: it ends what it has begun
            raise
        finally:
            for thread in passing:
                thread.join()
        return process.returncode


def _pass_on(source: IO[bytes], sink: TextIO) -> None:
    for line in source:
        sink.write(line.decode(errors="replace"))
        sink.flush()


def _open_if_closed(descriptor: int) -> None:
    """What is opened next would get the number, and every line that is said would end up in it."""
    try:
        os.fstat(descriptor)
    except OSError:
        nowhere = os.open(os.devnull, os.O_RDWR)
        if nowhere != descriptor:
            os.dup2(nowhere, descriptor)
            os.close(nowhere)


def _stream(descriptor: int, before: TextIO | None) -> TextIO:
    encoding = before.encoding if before is not None else "utf-8"
    raw = io.BufferedWriter(Unfailing(descriptor))
    return io.TextIOWrapper(
        raw, encoding, "replace", line_buffering=descriptor == STANDARD_ERROR or os.isatty(descriptor)
    )


def _raw(stream: TextIO | None) -> object:
    return getattr(getattr(stream, "buffer", None), "raw", None)
