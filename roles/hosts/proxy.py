"""A connection that another program carries, such as AWS Session Manager's: its standard input and output."""

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from typing import IO

END_SECONDS = 2
MAXIMUM_BYTES = 64 * 1024


class Proxy:
    """A program that carries one connection.

    It gets one end of a pair of sockets, and ssh the other: a real socket, with time-outs and an end.

    Args:
        argv: The program and its arguments.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        self._argv = list(argv)
        self._running: tuple[subprocess.Popen[bytes], IO[bytes]] | None = None

    def start(self) -> socket.socket:
        """Start the program.

        Returns:
            Our end of the connection.

        Raises:
            OSError: It is not installed.
        """
        self.stop()
        ours, its = socket.socketpair()
        complaints = tempfile.TemporaryFile()  # noqa: SIM115  # closed when the program is stopped
        try:
            # In a session of its own: Ctrl-C is ours to handle, and the steps under way are to end in order.
            process = subprocess.Popen(
                self._argv, stdin=its.fileno(), stdout=its.fileno(), stderr=complaints, start_new_session=True
            )
        except OSError as error:
            ours.close()
            complaints.close()
            raise OSError(f"'{self._argv[0]}' can't be started on this machine: {error.strerror}") from error
        finally:
            its.close()
        self._running = process, complaints
        return ours

    def stop(self) -> None:
        """End the program and what it started; fine if it doesn't run."""
        if self._running is None:
            return
        process, complaints = self._running
        self._running = None
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_SECONDS)
        complaints.close()

    def last_words(self) -> str:
        """The last line of what it complained of; empty if it didn't, or doesn't run."""
        if self._running is None:
            return ""
        _, complaints = self._running
        # Not read from the file itself: its place in it is the program's too.
        said = os.pread(complaints.fileno(), MAXIMUM_BYTES, 0).decode(errors="replace")
        lines = [line.strip() for line in said.splitlines()]
        return next((line for line in reversed(lines) if line), "")
