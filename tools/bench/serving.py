"""How a host answers, in requests a second of wrk's: against a bare nginx that serves one file of the same size.

The host's nginx has the deployed files, and the release's own service behind it (tests/stands/nginx.py); the bare one
runs beside it, with as many workers, in the same network. Rounds are interleaved, and ratios are within a round: what
else the machine does meets all of them. `cold`: each address once, in random order. Documents are held against the same
ones as a file each, which the bare nginx serves. Neither files nor snapshot are in the machine's memory when the first
is asked for; where each file is still is, since no user may make the kernel forget that.
"""

import contextlib
import gc
import os
import random
import re
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from app.addresses import page as page_of
from app.layout import RegionPath, count_file
from app.snapshot import Snapshot
from roles.scripts.layout import SERVICE
from tests.stands.nginx import HostNginx, programs, unsent_in
from tools.bench.table import heading, row
from tools.debian import Unpacked, unpacked
from tools.render import example, render

ROUNDS, SECONDS, CONNECTIONS = 5, 4, 64
START_SECONDS = 30
HOST, BARE = 80, 8080
STATIONS_DEPTH = 5
COLD_PAGES, COLD_DOCUMENTS = 15_000, 40_000
"""So many addresses are there for a round: more than are asked for in it, where the source has as many."""
COLD_DOCUMENT_SECONDS = 1


BARE_CONFIGURATION = """
worker_processes auto;
pid {root}/nginx.pid;
error_log stderr warn;
user root;
events {{ worker_connections 4096; }}
http {{
    {unsent}
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000;
    server {{
        listen {port} backlog=4096;
        root {root}/files;
    }}
}}
"""

EACH = """
local each, at = {}, 0
function init(arguments)
    for line in io.lines(arguments[1]) do each[#each + 1] = wrk.format("GET", line) end
end
function request()
    at = at + 1
    return each[(at - 1) % #each + 1]
end
"""
"""Asks for the lines of a file, one after the other."""


@dataclass(frozen=True)
class Load:
    """What is asked for.

    Args:
        title: What it is called in the table.
        port: Of whom.
        path: One address; or None for one after the other.
        cold: Those addresses, of which each round takes the next ones.
        asked: How many of them there are for a round.
        seconds: How long a round is.
        accepts: An Accept-Encoding.
        against: The title of the load that it is held against.
        target: What the ratio is to be at least.
    """

    title: str
    port: int
    path: str | None = None
    cold: Iterator[str] | None = None
    asked: int = 0
    seconds: int = SECONDS
    accepts: str = ""
    against: str = ""
    target: str = ""


@dataclass(frozen=True)
class Asked:
    """Which addresses are asked for.

    Args:
        election: Whose they are.
        pages: Of regions and polling stations, each once, in random order.
        documents: Likewise, in the same order; the bare nginx has each as a file.
    """

    election: str
    pages: list[str]
    documents: list[str]


def measure(release: Path, snapshot: Path, work: Path) -> None:
    """Measure a release's answers from a snapshot, and print a table."""
    with _bare(work / "bare"):
        files = work / "bare/files"
        asked = _prepare(Snapshot(snapshot), files)
        _evict([*files.rglob("*.json"), *(file for file in snapshot.iterdir() if file.is_file())])
        with _host(release, snapshot, work / "host"):
            loads = list(_loads(asked, files))
            took: dict[str, list[float]] = {load.title: [] for load in loads}
            for _ in range(ROUNDS):
                for load in loads:
                    took[load.title].append(_run(load, work))
    heading(f"Answering {snapshot.name}", "what", "requests a second", "ratio", "at least", "against")
    for load in loads:
        rates = took[load.title]
        against = took.get(load.against)
        ratio = [one / other for one, other in zip(rates, against, strict=True)] if against else []
        said = f"{statistics.median(ratio):.2f} ({min(ratio):.2f} to {max(ratio):.2f})" if ratio else "-"
        row(load.title, f"{statistics.median(rates):,.0f}", said, load.target or "-", load.against or "-")


def _prepare(snapshot: Snapshot, files: Path) -> Asked:
    """Choose what is asked for, and write the documents as files."""
    code, regions = snapshot.election.code, list(_regions(snapshot))
    random.Random(7).shuffle(regions)  # noqa: S311  # an order, and the same each time
    documents = [f"/{count_file(code, region)}" for region in regions[: COLD_DOCUMENTS * ROUNDS]]
    for address in documents:
        path = files / address.removeprefix("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(snapshot.document(address) or b"")
    return Asked(code, [page_of(code, region) for region in regions[: COLD_PAGES * ROUNDS]], documents)


def _evict(paths: list[Path]) -> None:
    """Take files out of the machine's memory."""
    gc.collect()  # what a snapshot has mapped stays there
    os.sync()  # what is not written yet stays there
    for path in paths:
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _loads(asked: Asked, files: Path) -> Iterator[Load]:
    """The loads, each after what it is held against."""
    static, each = "bare nginx, the documents as files, cold", len(asked.documents) // ROUNDS
    cold = Load(static, BARE, cold=iter(asked.documents), asked=each, seconds=COLD_DOCUMENT_SECONDS)
    yield cold
    yield replace(cold, title="documents, cold", port=HOST, cold=iter(asked.documents), against=static, target="3")
    nation, count = page_of(asked.election), f"/{count_file(asked.election, ())}"
    for what, path, accepts, least in (
        ("a page", nation, "", "0.8"),
        ("a page, gzip", nation, "gzip", "0.8"),
        ("a document", count, "", "0.9"),
        ("a document, gzip", count, "gzip", "0.9"),
    ):
        name = what.replace(" ", "-").replace(",", "")
        (files / name).write_bytes(_get(path, accepts))
        bare = f"bare nginx, a file of the size of {what}"
        yield Load(bare, BARE, f"/{name}")
        yield Load(f"{what}, hot", HOST, path, accepts=accepts, against=bare, target=least)
    each = len(asked.pages) // ROUNDS
    yield Load(
        "pages, cold",
        HOST,
        cold=iter(asked.pages),
        asked=each,
        against="bare nginx, a file of the size of a page",
        target="1,500/s",
    )


def _regions(snapshot: Snapshot, region: RegionPath = ()) -> Iterator[RegionPath]:
    """Each region and polling station."""
    yield region
    if len(region) < STATIONS_DEPTH:
        for child in snapshot.names(region):
            yield from _regions(snapshot, (*region, child))


@contextlib.contextmanager
def _host(release: Path, snapshot: Path, root: Path) -> Generator[None, None, None]:
    """A host's nginx and the release's service, started as its unit says."""
    nginx = HostNginx(root, listen=str(HOST))
    (root / "srv/tegak/current").symlink_to(release)
    (root / "srv/tegak/snapshots/current").symlink_to(snapshot)
    unit = {file.path.name: file.content.decode() for file in render("app", example())}[SERVICE]
    command = next(line for line in unit.splitlines() if line.startswith("ExecStart=")).partition("=")[2].split()
    argv = [word.replace("/run/", f"{root}/run/") for word in command]
    place = {"RELEASE_DIR": root / "srv/tegak/current", "SNAPSHOT_DIR": root / "srv/tegak/snapshots/current"}
    place |= {"HOST": Path("a"), "LOCATION": Path("b"), "ALTERED": root / "altered"}
    environment = {f"TEGAK_{name}": str(value) for name, value in place.items()}
    debian = parser()
    places = f"{release}/lib:{debian.root}/usr/lib/python3/dist-packages"
    environment |= {**debian.environment(), "PYTHONPATH": places, "PYTHONDONTWRITEBYTECODE": "1"}
    # Python looks first where it is started, and this checkout has an `app` of its own.
    with subprocess.Popen(argv, env=environment, cwd=root) as service, nginx.running():
        try:
            _wait(f"http://127.0.0.1:{HOST}/healthz")
            yield
        finally:
            service.terminate()


@contextlib.contextmanager
def _bare(root: Path) -> Generator[None, None, None]:
    """A bare nginx over the files in a folder."""
    for part in ("files", "unsent"):
        (root / part).mkdir(parents=True)
    (root / "files/index.html").touch()
    configuration = root / "nginx.conf"
    configuration.write_text(BARE_CONFIGURATION.format(root=root, port=BARE, unsent=unsent_in(root)), encoding="utf-8")
    debian = programs()
    argv = [str(debian.root / "usr/sbin/nginx"), "-c", str(configuration), "-p", str(root), "-g", "daemon off;"]
    with subprocess.Popen(argv, env=debian.environment()) as process:
        try:
            _wait(f"http://127.0.0.1:{BARE}/")
            yield
        finally:
            process.terminate()


def parser() -> Unpacked:
    """Debian's httptools, as hosts have it."""
    return unpacked("python3-httptools", "libhttp-parser2.9")


def wrk() -> Unpacked:
    """Debian's wrk."""
    return unpacked("wrk", "libluajit-5.1-2")


def _run(load: Load, work: Path) -> float:
    """Requests a second.

    Raises:
        RuntimeError: Not all were answered with 200.
    """
    asking = wrk()
    argv = [str(asking.root / "usr/bin/wrk"), "-t1", f"-c{CONNECTIONS}"]
    argv += ["-H", f"Accept-Encoding: {load.accepts}"] if load.accepts else []
    url = f"http://127.0.0.1:{load.port}{load.path or '/'}"
    if load.cold is None:
        argv += [f"-d{load.seconds}s", url]
    else:
        script, addresses = work / "each.lua", work / "addresses"
        script.write_text(EACH, encoding="utf-8")
        addresses.write_text("".join(f"{line}\n" for line in islice(load.cold, load.asked)), encoding="utf-8")
        argv += [f"-d{load.seconds}s", "-s", str(script), url, "--", str(addresses)]
    done = subprocess.run(argv, env=asking.environment(), capture_output=True, text=True, check=True)
    rate = re.search(r"Requests/sec: +([\d.]+)", done.stdout)
    if rate is None or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError(f"{load.title}: {done.stdout}")
    return float(rate[1])


def _get(path: str, accepts: str) -> bytes:
    request = urllib.request.Request(f"http://127.0.0.1:{HOST}{path}", headers={"Accept-Encoding": accepts})
    with urllib.request.urlopen(request) as answer:  # noqa: S310  # this machine's own
        return answer.read()


def _wait(url: str) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url):  # noqa: S310  # this machine's own
                return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
