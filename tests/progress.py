"""Tells how far a run of the tests is: one line that moves, and each failure by its name at once, instead of dots.

Given to pytest by name (`-p tests.progress`): by the Makefile, and by nobody else.
"""

import sys
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, TextIO

import pytest

EVERY_SECONDS = 30
"""Where the output is a file; on a terminal the line moves each second."""

NAME_LENGTH = 70


@dataclass
class Progress:
    """What is known of a run.

    Args:
        out: Where it is told.
        total: How many tests there are; nothing until they are collected.
        done: How many have ended.
        failed: How many of them have failed.
        running: The tests that run, and since when.
    """

    out: TextIO
    total: int = 0
    done: int = 0
    failed: int = 0
    running: dict[str, float] = field(default_factory=dict[str, float])
    _started: float = field(default_factory=time.monotonic)
    _ended: threading.Event = field(default_factory=threading.Event)
    _telling: threading.Lock = field(default_factory=threading.Lock)

    def line(self, now: float) -> str:
        """How far it is, and the test that has run for longest."""
        minutes, seconds = divmod(int(now - self._started), 60)
        parts = [f"{minutes}:{seconds:02} min", f"{self.done} of {self.total or '?'} tests"]
        parts += [f"{self.failed} failed"] if self.failed else []
        if oldest := min([*self.running.items()], key=lambda item: item[1], default=None):
            parts.append(f"{oldest[0].rpartition('::')[2][:NAME_LENGTH]} ({now - oldest[1]:.0f} s)")
        return ", ".join(parts)

    def _tell(self, text: str, end: str = "\n") -> None:
        with self._telling:
            self.out.write(f"\r\x1b[K{text}{end}" if self.out.isatty() else f"{text}\n")
            self.out.flush()

    def _tick(self) -> None:
        while not self._ended.wait(1 if self.out.isatty() else EVERY_SECONDS):
            self._tell(self.line(time.monotonic()), end="")

    def pytest_sessionstart(self) -> None:
        threading.Thread(target=self._tick, daemon=True).start()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.total = len(session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        self.total = len(ids)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.running[nodeid] = time.monotonic()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.running = {name: since for name, since in self.running.items() if name != nodeid}
        self.done += 1

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed += 1
            self._tell(f"failed ({report.when}): {report.nodeid}")

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, Any, Any]:
        category, _, word = yield
        return category, "", "" if category == "passed" else word  # no dot; the summary needs the word

    def pytest_sessionfinish(self) -> None:
        self._ended.set()
        self._tell(self.line(time.monotonic()))


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # a worker tells nobody but the one that started it
        config.pluginmanager.register(Progress(sys.stdout))
