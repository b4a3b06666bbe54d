"""Who reads on while results are published never sees an earlier time than before, wherever it comes from."""

import datetime as dt
import json
import random
import re
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.layout import read_utc_time
from tests.deploy.clients import Answers, http1
from tests.deploy.faults import packets_dropped
from tests.deploy.test_guards import on_host
from tests.deploy.test_rollout import host_named, url
from tests.deploy.test_ticks import counted
from tests.stands.lab import SMALL, LabStack
from tests.stands.results import source_of

VIEWERS, TICKS, PAUSE_SECONDS = 16, 6, 0.02
HHCW, PAGES = "/static/json/hhcw/ppwp", "/ppwp/hitung-suara"
PLACES = ("", "/-99", "/-99/-991302", "/41863", "/41863/41864")
ADDRESSES = ("/static/json/version.json", *(f"{HHCW}{place}.json" for place in PLACES), *(PAGES + p for p in PLACES))
WIB = dt.timezone(dt.timedelta(hours=7))
PAGE_TIME = re.compile(rb'Data per <time datetime="([^"]+)"')


def time_in(address: str, body: bytes) -> dt.datetime:
    """The time of the count that an answer shows."""
    if address.startswith(PAGES):
        found = PAGE_TIME.search(body)
        assert found, body
        return dt.datetime.fromisoformat(found[1].decode())
    document = json.loads(body)
    if "version" in document:
        return read_utc_time(document["version"])
    return dt.datetime.fromisoformat(document["ts"]).replace(tzinfo=WIB)  # as Situng wrote it


@dataclass
class Seen:
    """What all viewers saw."""

    answers: int = 0
    times: set[dt.datetime] = field(default_factory=set[dt.datetime])
    failures: list[str] = field(default_factory=list[str])


@contextmanager
def reading(stack: LabStack) -> Generator[Seen, None, None]:
    """Viewers who go from page to page, each over a connection of its own for each address, until the block is left."""
    seen, stop = Seen(), threading.Event()
    site = url(stack)  # here, and not in each thread: it is read with another environment

    def read(number: int) -> None:
        chance = random.Random(number)  # noqa: S311  # nothing secret
        with ExitStack() as links:
            opened = {each: links.enter_context(http1(site, stack.ca_file, each)) for each in ADDRESSES}
            read_on(chance, opened)

    def read_on(chance: random.Random, opened: Mapping[str, Answers]) -> None:
        newest, at = dt.datetime.min.replace(tzinfo=dt.UTC), ""
        while not stop.wait(PAUSE_SECONDS):
            address = chance.choice(ADDRESSES)
            try:
                status, body = next(opened[address])
                assert status == 200, f"status {status}"
                found = time_in(address, body)
                assert found >= newest, f"{found} after {newest} of {at}"
            except Exception as error:  # noqa: BLE001  # a failure, whatever it is
                seen.failures.append(f"{address}: {error!r}")
                continue
            newest, at = found, address
            seen.answers += 1
            seen.times.add(found)

    threads = [threading.Thread(target=read, args=(number,), daemon=True) for number in range(VIEWERS)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)


@pytest.fixture
def tick(stack: LabStack, tmp_path: Path) -> Generator[Callable[[int], str], None, None]:
    """Publishes the results of a tick; what was shown before is shown again in the end."""
    yield lambda number: stack.fab(
        "publish", "--source", str(source_of(tmp_path / str(number), stations=counted(number)))
    )
    stack.fab("publish", "--source", SMALL, "--correction", "Uji coba selesai.")


def test_nobody_who_reads_on_sees_an_earlier_time(stack: LabStack, tick: Callable[[int], str]) -> None:
    tick(1)
    (edge,), away = stack.inventory().with_role("edge"), host_named(stack, "timur-app-2")
    with reading(stack) as seen:
        for number in range(2, TICKS + 2):
            if number == 3:
                on_host(stack, edge, "systemctl", "reload", "nginx")
            if number == 5:
                with packets_dropped(stack, away):
                    assert "timur-app-2: does not answer, and is left out" in tick(number)
            else:
                tick(number)
    assert seen.failures == []
    assert len(seen.times) >= TICKS
    assert seen.answers > VIEWERS * TICKS * 10
