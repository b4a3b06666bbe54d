"""Looking at a host's audit log and writing into it, after a year of publications: against a log of ten lines.

Run by `make bench-log`.
"""

import datetime as dt
import json
import secrets
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from roles.hosts.audit import Entry, HostLog, Log, Operator, StepTime
from roles.on_host import program
from roles.scripts.state import probe_request
from tools.bench.table import heading, row

DAY_ZERO = dt.datetime(2028, 2, 14, tzinfo=dt.UTC)
EVERY = dt.timedelta(minutes=15)
SHORT, YEAR = 10, 35_040
RUNS = 15
COLUMNS = (f"{SHORT} lines, ms", "a year, ms", "ratio", f"{SHORT} lines, peak MiB", "a year, peak MiB", "ratio")
HOSTS = tuple(f"{place}-app-{number}" for place in ("barat", "tengah", "timur") for number in range(1, 5))
STEPS = ("receive", "switch the snapshot", "tidy up")
OPERATOR = Operator(who="siaga", machine="posko")


def entries(publications: int) -> Iterator[Entry]:
    """A deploy and a freeze, and then so many publications on twelve hosts."""
    yield Entry(id="deploy", order=1, at=DAY_ZERO, action="deploy", operator=OPERATOR, release="1.0.0-a")
    yield Entry(id="freeze", order=2, at=DAY_ZERO, action="freeze", operator=OPERATOR, reason="counting")
    steps = tuple(StepTime(host=host, step=step, seconds=0.417) for host in HOSTS for step in STEPS)
    for number in range(publications):
        yield Entry(
            id=f"publish-{number:06}",
            order=number + 3,
            at=DAY_ZERO + number * EVERY,
            action="publish",
            operator=OPERATOR,
            snapshot=f"snapshot-{number}",
            hosts=dict.fromkeys(HOSTS, "ok"),
            steps=steps,
        )


@dataclass(frozen=True)
class Cost:
    """What running a program once costs."""

    milliseconds: float
    peak_mib: float


@dataclass(frozen=True)
class Kept:
    """A host's log and the file beside it, in a directory."""

    directory: Path

    @property
    def log(self) -> Path:
        """The log."""
        return self.directory / "log"

    @property
    def decisive(self) -> Path:
        """The file beside it."""
        return self.directory / "decisive"

    def fill(self, publications: int) -> None:
        """Write the log, and let the host keep what is decisive in it."""
        (self.directory / "own").mkdir(parents=True)
        with self.log.open("wb") as file:
            file.writelines(entry.line() for entry in entries(publications))
        self.write()

    def look(self, newest: int = 0) -> Cost:
        """Look at it, as each task does first."""
        asked = json.loads(probe_request(answers=False, newest=newest))
        asked["paths"] = {name: str(self.directory / name) for name in asked["paths"]}
        printed, cost = _run(program("log", "lock_file", "probe"), json.dumps(asked).encode(), "", "")
        found = HostLog.model_validate(json.loads(printed)["log"])
        if Log(found.decisive).freeze is None or found.refused:
            raise SystemExit("the freeze was lost")
        return cost

    def look_without(self) -> Cost:
        """Look at it where nothing is kept beside it."""
        kept = self.decisive.read_bytes()
        self.decisive.unlink()
        cost = self.look()
        self.decisive.write_bytes(kept)
        return cost

    def write(self) -> Cost:
        """Write a line into it, as each task does last."""
        entry = Entry(id=secrets.token_hex(8), order=10**6, at=DAY_ZERO, action="lock", operator=OPERATOR)
        _, cost = _run(program("log", "log_writer"), entry.line(), str(self.log), str(self.decisive))
        return cost


def _run(text: str, stdin: bytes, *arguments: str) -> tuple[str, Cost]:
    argv = ["python3", "-IS", "-c", f"{text}\nsys.stderr.write(open('/proc/self/status').read())", *arguments]
    started = time.monotonic()
    done = subprocess.run(argv, input=stdin, capture_output=True, check=True)
    taken = time.monotonic() - started
    peak = next(line for line in done.stderr.decode().splitlines() if line.startswith("VmHWM"))
    return done.stdout.decode(), Cost(taken * 1000, int(peak.split()[1]) / 1024)


def _row(what: str, short: Callable[[], Cost], long: Callable[[], Cost]) -> None:
    """Measure in turn, so that other work on the machine meets both."""
    pairs = [(short(), long()) for _ in range(RUNS)]
    first, second = (statistics.median(cost.milliseconds for cost in costs) for costs in zip(*pairs, strict=True))
    less, more = (max(cost.peak_mib for cost in costs) for costs in zip(*pairs, strict=True))
    cells = (
        f"{first:.0f}",
        f"{second:.0f}",
        f"{second / first:.2f}",
        f"{less:.1f}",
        f"{more:.1f}",
        f"{more / less:.2f}",
    )
    row(what, *cells)


def main() -> None:
    """Measure a log of ten lines beside one of a year."""
    with tempfile.TemporaryDirectory(prefix="tegak-bench-log-") as directory:
        short, year = Kept(Path(directory) / "short"), Kept(Path(directory) / "year")
        short.fill(SHORT - 2)
        year.fill(YEAR)
        size, beside = year.log.stat().st_size / 10**6, year.decisive.stat().st_size / 1000
        title = f"The audit log after a year: {YEAR + 2:,} lines, {size:.0f} MB; {beside:.1f} kB beside it"
        heading(title, "", *COLUMNS)
        _row("look, as each task does", short.look, year.look)
        _row("look at the newest 20 too", lambda: short.look(20), lambda: year.look(20))
        _row("write a line", short.write, year.write)
        _row("look, with nothing kept beside it", short.look_without, year.look_without)


if __name__ == "__main__":
    main()
