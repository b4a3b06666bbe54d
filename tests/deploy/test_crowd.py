"""Two hundred readers while results are published, over restarts, lost hosts and a correction: nobody goes back."""

import datetime as dt
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.deploy.crowd import READERS, crowd
from tests.deploy.faults import packets_dropped
from tests.deploy.test_guards import on_host
from tests.deploy.test_never_back import HHCW, time_in
from tests.deploy.test_rollout import host_named
from tests.deploy.test_ticks import counted
from tests.stands.lab import SMALL, LabStack
from tests.stands.results import Row, source_of

pytestmark = pytest.mark.night

TICKS, CORRECTION = 20, 14
AT_THE_EDGE = {3: ("reload", "nginx"), 6: ("restart", "nginx"), 9: ("reload", "haproxy"), 17: ("restart", "nginx")}
LOST = {
    5: ("timur-app-2",),
    11: ("barat-app-1",),
    16: ("timur-lb-1", "timur-app-1", "timur-app-2"),
    18: ("timur-app-1",),
}
"""One host, or a whole location."""

ALONE = f"{HHCW}/-99/-991302/-991303.json"
"""Asked for once, before all ticks, and then not before the last one is over."""


def earlier(rows: list[Row]) -> list[Row]:
    """Of half a minute before the last tick but one: what a correction goes back to."""
    changed = counted(CORRECTION - 2)(rows)
    newest = max(int(row["first_photo_unix_s"] or 0) for row in changed)
    for row in changed:
        if row["first_photo_unix_s"] == str(newest):
            row["first_photo_unix_s"] = str(newest - 30)
    return changed


def as_of(directory: Path, stations: Callable[[list[Row]], list[Row]]) -> dt.datetime:
    """The time of a source's count, which it makes."""
    times: list[int] = []

    def remembered(rows: list[Row]) -> list[Row]:
        changed = stations(rows)
        times.append(max(int(row["first_photo_unix_s"] or 0) for row in changed))
        return changed

    source_of(directory, stations=remembered)
    return dt.datetime.fromtimestamp(times[0], dt.UTC)


def edge_time(stack: LabStack, address: str) -> dt.datetime:
    edge = stack.inventory().edge.server_name
    argv = ("curl", "-sfk", "--resolve", f"{edge}:443:127.0.0.1", f"https://{edge}{address}")
    (host,) = stack.inventory().with_role("edge")
    return time_in(address, on_host(stack, host, *argv).encode())


def test_two_hundred_readers_see_no_failure_nothing_earlier_and_nothing_old(stack: LabStack, tmp_path: Path) -> None:
    (edge,) = stack.inventory().with_role("edge")
    published = [as_of(tmp_path / "0", counted(1))]
    stack.fab("publish", "--source", str(tmp_path / "0"))
    assert edge_time(stack, ALONE) == published[0]
    try:
        with crowd(stack, published) as seen:
            for number in range(1, TICKS + 1):
                corrects = number == CORRECTION
                seen.published.append(as_of(tmp_path / str(number), earlier if corrects else counted(number + 1)))
                with ExitStack() as faults:
                    for name in LOST.get(number, ()):
                        faults.enter_context(packets_dropped(stack, host_named(stack, name)))
                    if number in AT_THE_EDGE:
                        on_host(stack, edge, "systemctl", "--no-block", *AT_THE_EDGE[number])
                    why = ("--correction", "Formulir dihitung ulang.") if corrects else ()
                    said = stack.fab("publish", "--source", str(tmp_path / str(number)), *why)
                assert (number in LOST) is ("does not answer, and is left out" in said)
                seen.ended = len(seen.published)
            assert edge_time(stack, ALONE) == seen.published[-1]
    finally:
        stack.fab("publish", "--source", SMALL, "--correction", "Uji coba selesai.")
    assert seen.failures == [], len(seen.failures)
    assert set(seen.seen) == set(seen.published)
    assert seen.seen.total() > READERS * TICKS / 2
