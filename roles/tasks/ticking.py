"""Publishing on the clock: one at a time, at once after a start, sooner after a failure, loud when late.

Nothing is remembered between two ticks: what is shown and who has the lock is asked anew of the hosts, so that one that
was killed at any point and started again goes on. It is run under systemd (docs/publishing.md).
"""

import datetime as dt
import fcntl
import os
import re
import shlex
import socket
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from infra.bridge.errors import OperatorError
from roles.tasks.results import OlderError
from roles.terminal import of_this_machine, say

SHORTEST_SECONDS, LONGEST_SECONDS = 10, 24 * 3600
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 5, 60
GRACE_SECONDS = 60
"""So much after it was due, a publication that has not succeeded is late: an answer is never older than that."""

ALERT_SECONDS = 30
UNITS = {"s": 1, "m": 60, "h": 3600}


def read_interval(text: str) -> int:
    """An interval such as `15m`, in seconds.

    Raises:
        OperatorError: It is none, or too short or too long.
    """
    found = re.fullmatch(r"([0-9]{1,5})([smh])", text)
    seconds = int(found[1]) * UNITS[found[2]] if found else 0
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise OperatorError(
            f"--every {text}: it is a number and s, m or h, from {SHORTEST_SECONDS}s to {LONGEST_SECONDS // 3600}h",
            next_command="fab publish --every 15m",
        )
    return seconds


class SystemClock:
    """The machine's."""

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass
class Ticking:
    """Publishes on the clock.

    Args:
        every_seconds: The interval; ticks are multiples of it, so that those of 15m are at :00, :15, :30 and :45.
        publish: Publishes once; what was killed before is its business.
        alert: Told once when a publication is late or refused, and once when it is well again.
        clock: What time it is.
    """

    every_seconds: int
    publish: Callable[[], None]
    alert: Callable[[str], None]
    clock: SystemClock = field(default_factory=SystemClock)
    _trouble: str = ""

    def run(self, ticks: int | None = None) -> None:
        """Publish at once, then at each tick.

        Args:
            ticks: After so many it ends; None for never.
        """
        due = self.clock.now()
        done = 0
        while ticks is None or done < ticks:
            following = self._following(due)
            began = self.clock.now()
            self._tick(due, following)
            took = self.clock.now() - began
            done += 1
            # What took longer than the interval is followed by the tick that is due now, not by all that it missed.
            due = max(following, self._following(self.clock.now()) - self.every_seconds)
            say(f"tick of {took:.1f} s; next publication {_clock(due)}")
            tell_systemd(f"STATUS=next publication {_clock(due)}")
            self.clock.sleep(max(0.0, due - self.clock.now()))

    def _following(self, moment: float) -> float:
        return (moment // self.every_seconds + 1) * self.every_seconds

    def _tick(self, due: float, following: float) -> None:
        """Publish, again and again until it succeeds or the next one is due."""
        wait = FIRST_RETRY_SECONDS
        while True:
            tell_systemd("READY=1\nWATCHDOG=1\nSTATUS=publishing")
            if self._succeeds(due):
                return
            if self.clock.now() + wait >= following:
                return
            self.clock.sleep(wait)
            wait = min(wait * 2, LAST_RETRY_SECONDS)

    def _succeeds(self, due: float) -> bool:
        """Try once; whether there is nothing to be tried again before the next tick."""
        try:
            self.publish()
        except OlderError as error:
            self._say_trouble(error)
            self._raise_alarm(f"publication refused: {error.message}")
            return True  # only another source can change that
        except (OperatorError, OSError) as error:
            failure = of_this_machine(error) if isinstance(error, OSError) else error
            self._say_trouble(failure)
            if self.clock.now() > due + GRACE_SECONDS:
                self._raise_alarm(f"publication due at {_clock(due)} is late: {failure.message}")
            return False
        if self.clock.now() > due + self.every_seconds:
            self._raise_alarm(f"publication due at {_clock(due)} took longer than the interval")
        elif self._trouble:
            self._trouble = ""
            self.alert(f"publication is well again, {_clock(self.clock.now())}")
        return True

    def _say_trouble(self, error: OperatorError) -> None:
        say(f"{_clock(self.clock.now())}: {error.report()}")

    def _raise_alarm(self, words: str) -> None:
        if not self._trouble:
            self.alert(words)
        self._trouble = words


@dataclass(frozen=True)
class Alert:
    """Tells somebody: in the journal, and by a command of the operators' own.

    Args:
        command: The command; its last word will be what there is to say. Empty for none.
    """

    command: str = ""

    def __call__(self, words: str) -> None:
        """Tell; what fails about that is said, and keeps nothing up."""
        say(f"ALERT: {words}")
        if not self.command:
            return
        try:
            argv = [*shlex.split(self.command), words]
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, timeout=ALERT_SECONDS, check=False)
            failed = f"ended with {done.returncode}" if done.returncode else ""
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            failed = str(error)
        if failed:
            say(f"ALERT could not be sent by {self.command.split()[0]}: {failed}")


def publish_every(project: Path, every_seconds: int, alert: str, once: Callable[[], None]) -> None:
    """Publish on the clock until the process ends; see `Ticking`.

    Args:
        project: The checkout.
        every_seconds: The interval.
        alert: See `Alert`.
        once: Publishes once.

    Raises:
        OperatorError: Another process of this checkout does the same.
    """
    with _alone(project):
        Ticking(every_seconds, once, Alert(alert)).run()


@contextmanager
def _alone(project: Path) -> Generator[None, None, None]:
    """Refuse a second one: each would take the other's lock for an engineer's."""
    path = project / ".cache/publishing.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OperatorError(
                "another fab publish --every of this checkout is at work; nothing was begun",
                next_command="systemctl --user status tegak-publish",
            ) from error
        yield


def tell_systemd(words: str) -> None:
    """Say it to whoever supervises this process, if anybody does (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        try:
            supervisor.connect(f"\0{address[1:]}" if address.startswith("@") else address)
            supervisor.sendall(words.encode())
        except OSError as error:
            say(f"systemd was not told: {error.strerror}")


def _clock(moment: float) -> str:
    return f"{dt.datetime.fromtimestamp(moment, dt.UTC):%H:%M:%S} UTC"
