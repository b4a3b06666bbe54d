"""Building a snapshot, against the least that reading its source can cost: a pass of Python's csv over the same table.

Run by `make bench-loader [SOURCE=…]`.
"""

import csv
import gzip
import multiprocessing
import resource
import statistics
import sys
import tempfile
from pathlib import Path

from app.loader.build import build_snapshot
from tools.bench.table import heading, row, seconds

PROJECT = Path(__file__).resolve().parents[2]
RUNS = 3


def _read(source: Path) -> None:
    with gzip.open(source / "tps.csv.gz", "rt", encoding="utf-8", newline="") as file:
        for _ in csv.reader(file):
            pass


def _build(source: Path, target: Path, answer: "multiprocessing.SimpleQueue[tuple[float, int, int]]") -> None:
    built: list[int] = []
    taken = seconds(
        lambda: built.append(sum(each.stat().st_size for each in build_snapshot(source, target).directory.glob("*")))
    )
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer.put((taken, peak_kib, built[0]))


def _build_in_a_process_of_its_own(source: Path) -> tuple[float, int, int]:
    context = multiprocessing.get_context("spawn")
    answer: multiprocessing.SimpleQueue[tuple[float, int, int]] = context.SimpleQueue()
    with tempfile.TemporaryDirectory() as target:
        process = context.Process(target=_build, args=(source, Path(target), answer))
        process.start()
        process.join()
    if process.exitcode != 0:
        raise SystemExit(1)
    return answer.get()


def main(sources: list[Path]) -> None:
    """Measure each source."""
    heading("Building a snapshot", "source", "build, s", "csv pass, s", "ratio", "peak memory, MB", "files, MB")
    for source in sources:
        builds = [_build_in_a_process_of_its_own(source) for _ in range(RUNS)]
        reads = [seconds(lambda source=source: _read(source)) for _ in range(RUNS)]
        build, read = statistics.median(taken for taken, _, _ in builds), statistics.median(reads)
        peak, size = max(peak for _, peak, _ in builds) / 1024, builds[0][2] / 10**6
        row(source.name, f"{build:.1f}", f"{read:.1f}", f"{build / read:.0f}", f"{peak:.0f}", f"{size:.1f}")


if __name__ == "__main__":
    main([Path(word) for word in sys.argv[1:]] or [PROJECT / "samples/kpu-2019"])
