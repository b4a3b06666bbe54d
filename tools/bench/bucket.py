"""Filling the bucket of a stack on AWS for a nation: requests, bytes, seconds and dollars, by how deep its pages go.

Run by `make bench-bucket SOURCE=<directory>`. Half of the nation's count, then a tick, as in `make bench-ticks`,
against moto's S3 server on the loopback in a process of its own, which takes some hundred requests a second. What is
deeper than it is worth filling is counted, not written: its seconds are computed from those of the deepest written one.
"""

import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from app.addresses import STATION_DEPTH
from app.loader.build import BuiltSnapshot, build_snapshot
from app.snapshot import Snapshot
from infra.bridge.inventory import Publication
from infra.cost.assumptions import PUBLICATIONS_PER_HOUR
from infra.cost.prices import our_prices
from roles.artefacts.release import build_release
from roles.aws import clients
from roles.aws.clients import client
from roles.bucket.bucket import Bucket
from roles.bucket.site.contents import Contents
from roles.bucket.site.filling import Filling
from roles.bucket.site.objects import read_objects
from roles.bucket.site.service import look_of, running, unpack
from roles.stack.checkout import Checkout
from tests.stands.cloud import ENVIRONMENT, REGION, make_bucket
from tests.stands.packs import unpack_snapshot
from tools.bench.arrival import Arrival
from tools.bench.table import heading, row, seconds
from tools.bench.ticks import TICK_FORMS

PROJECT = Path(__file__).resolve().parents[2]
LEVELS = ("the nation", "provinces", "kabupaten", "kecamatan", "kelurahan", "polling stations")
WRITTEN = 3
"""So deep it is really filled."""

STATION_OBJECTS = 2
"""A polling station's page and document."""

NIGHT_TICKS = 12 * PUBLICATIONS_PER_HOUR
"""As `fab cost` has it."""

COPIES = 2
"""A copy in the replica's region is a request there too."""


@dataclass(frozen=True)
class Cost:
    """What one filling takes."""

    requests: int
    size_bytes: int
    seconds: float

    @property
    def cells(self) -> tuple[str, str]:
        """Seconds and megabytes."""
        return f"{self.seconds:.1f}", f"{self.size_bytes / 10**6:.1f}"


@contextmanager
def s3_server() -> Generator[None, None, None]:
    """Run it, and lead boto3 of this process to it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    argv = [sys.executable, "-c", f"from moto.server import main; main(['-H', '127.0.0.1', '-p', '{port}'])"]
    endpoint = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with patch.dict("os.environ", {**ENVIRONMENT, **endpoint}):
        clients.forget()
        try:
            _wait(process)
            yield
        finally:
            clients.forget()
            process.terminate()
            process.wait(10)


def _wait(process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        try:
            client("s3", REGION).list_buckets()
        except Exception:  # noqa: BLE001  # it has not begun to listen
            time.sleep(0.2)
        else:
            return
    raise RuntimeError("moto's server did not start")


def fill(place: Publication, snapshot: Path, release: Path, deepest: int) -> Cost:
    """Bring a bucket to a snapshot, as a release shows it."""
    asked: Counter[str] = Counter()
    events = client("s3", REGION).meta.events

    def count(model: Any, **_: object) -> None:  # noqa: ANN401  # botocore's
        asked[model.name] += 1

    events.register("before-call.s3", count)
    bucket = Bucket(place)
    _, seen = Contents(bucket).note()
    with running(release, snapshot) as service:
        run = Filling(bucket, Snapshot(snapshot), look_of(release), service, _say_nothing, seen, deepest)
        taken = seconds(run.fill)
    events.unregister("before-call.s3", count)
    return Cost(asked.total(), run.tally.written_bytes, taken)


def _say_nothing(_: str, __: int, ___: int) -> None:
    """How far it is matters to nobody here."""


def counted(before: Path, after: Path, look: str, deepest: int) -> tuple[int, int]:
    """How many objects there are, and how many differ between two snapshots; of polling stations, two each."""
    had, has = (_digests(Snapshot(each), look, min(deepest, STATION_DEPTH - 1)) for each in (before, after))
    changed = sum(had.get(path) != digest for path, digest in has.items())
    if deepest < STATION_DEPTH:
        return len(has), changed
    stations = Snapshot(after).own_progress(()).stations
    return len(has) + STATION_OBJECTS * stations, changed + STATION_OBJECTS * TICK_FORMS


def _digests(snapshot: Snapshot, look: str, deepest: int) -> Mapping[str, str]:
    return {path: digest for stage in read_objects(snapshot, look, deepest) for path, digest in stage.items()}


def snapshots(source: Path, work: Path) -> list[Path]:
    """Half of a count and a tick, as on a host."""
    count = Arrival(source)
    built: BuiltSnapshot | None = None
    made: list[Path] = []
    for number in range(2):
        tables = count.write(work / f"tables-{number}", count.forms // 2 + TICK_FORMS * number)
        built = build_snapshot(tables, work / "built", previous=built.directory if built else None)
        made.append(unpack_snapshot(built, work / "snapshots"))
    return made


def main(source: Path) -> None:
    """Measure."""
    price = our_prices().find("storage.writes", REGION).usd or 0
    with tempfile.TemporaryDirectory(prefix="tegak-bench-", dir=PROJECT / ".cache") as directory:
        work = Path(directory)
        first, tick = snapshots(source, work)
        release = unpack(build_release(Checkout(PROJECT, "ukur")).path, work / "release")
        heading(
            "Filling the bucket", "down to", "objects", "first, s", "MB", "a tick, requests", "s", "MB", "a night, USD"
        )
        seconds_a_request = 0.0
        with s3_server():
            for deepest in range(1, len(LEVELS)):
                total, changed = counted(first, tick, look_of(release), deepest)
                night = (total + changed * NIGHT_TICKS) / 1000 * price * COPIES
                if deepest <= WRITTEN:
                    place = make_bucket(f"tegak-ukur-{deepest}")
                    costs = [fill(place, each, release, deepest) for each in (first, tick)]
                    cells = (*costs[0].cells, f"{costs[1].requests}", *costs[1].cells)
                    seconds_a_request = costs[0].seconds / costs[0].requests
                else:
                    times = [f"({count * seconds_a_request:.0f})" for count in (total, changed)]
                    cells = (times[0], "-", f"({changed})", times[1], "-")
                row(LEVELS[deepest], f"{total}", *cells, f"{night:.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
