"""Hosts that fail in every way: the right class, the right words, and the site goes on."""

import contextlib
import re
import time
from pathlib import Path

import pytest

from roles.artefacts.release import build_release
from roles.scripts.quoting import command
from tests.deploy.clients import asking
from tests.deploy.faults import on_host_until_left, packets_dropped, refusing
from tests.deploy.sources import dies_after_five_seconds, never_ready, release_of, slow
from tests.deploy.test_rollout import host_named, running, url
from tests.stands.lab import LabStack

pytestmark = pytest.mark.night

CLOCK = """#!/usr/bin/python3
import sys, time
real = time.time
time.time = lambda: real() + 600
at = sys.argv.index("-c")
program, sys.argv = sys.argv[at + 1], ["-c", *sys.argv[at + 2 :]]
exec(program)
"""


def answering(stack: LabStack) -> set[str]:
    """The releases that the public gets."""
    with asking(url(stack), stack.ca_file) as tally:
        time.sleep(2)
    assert tally.failures == []
    return tally.releases


def repair(stack: LabStack, release: str) -> None:
    """What an operator does after a host was away."""
    stack.pulumi_up()
    stack.fab("deploy", "--release", release)
    assert running(stack) == {release}


def test_a_host_that_does_not_answer_is_left_out_within_the_budget_and_kept_out_of_the_pool(stack: LabStack) -> None:
    (old,) = running(stack)
    new = build_release(stack.checkout, "4.0.0").name
    victim = host_named(stack, "timur-app-2")
    stack.cut_power(victim)
    refused = stack.fab_fails("deploy", "--release", new, "--unreachable-hosts", "0")
    assert "timur-app-2: reading its state: does not answer ssh" in refused
    assert "nothing was changed" in refused
    with asking(url(stack), stack.ca_file) as tally:
        # Two hosts make a location's floor one: with one of them away, the other could not be taken out.
        assert "its capacity floor is 1" in stack.fab_fails("deploy", "--release", new)
        output = stack.fab("deploy", "--release", new, "--capacity-floor-percent", "0")
    assert tally.failures == []
    assert "timur-app-2: does not answer, and is left out" in output
    stack.pulumi_up()  # it comes back with the old release, and must not serve it
    assert re.search(r"timur-app-2 .* out of the pool", stack.fab_fails("status"))
    repair(stack, new)
    stack.fab("rollback")
    assert running(stack) == {old}


def test_a_location_that_is_cut_off_is_left_out_whole_and_comes_back_only_with_what_the_others_have(
    stack: LabStack,
) -> None:
    (old,) = running(stack)
    new = build_release(stack.checkout, "4.9.0").name
    places = [host for host in stack.inventory().hosts if host.location == "timur"]
    with contextlib.ExitStack() as until_left, asking(url(stack), stack.ca_file) as tally:
        for host in places:
            until_left.enter_context(packets_dropped(stack, host))
        time.sleep(3)  # the edge finds it down, and asks the other location
        assert "can't be used, and 1 may be" in stack.fab_fails("deploy", "--release", new)
        allowed = ("--unreachable-hosts", str(len(places)))
        assert "timur-lb-1: does not answer, and is left out" in stack.fab("deploy", "--release", new, *allowed)
        until_left.close()
        time.sleep(3)
        assert "timur-lb-1" in stack.fab_fails("status")
        assert "stays out" in stack.fab_fails("undrain-location", "timur")
        assert answering(stack) == {new}  # the location is there again, with the old release, and nobody sees it
        repair(stack, new)
    assert tally.failures == []
    stack.fab("rollback")
    assert running(stack) == {old}


def test_a_host_that_dies_midway_is_left_out_or_stops_the_rollout_as_the_budget_says(stack: LabStack) -> None:
    (old,) = running(stack)
    victim = host_named(stack, "barat-app-2")
    for number, budget in enumerate(("1", "0")):
        new = build_release(stack.checkout, f"4.1.{number}").name
        with asking(url(stack), stack.ca_file) as tally:
            started = time.monotonic()
            result = stack.fab_then(
                "barat-app-2: drain",
                lambda _: stack.cut_power(victim),
                "deploy",
                "--release",
                new,
                "--unreachable-hosts",
                budget,
            )
            assert time.monotonic() - started < 120  # that it ends; how soon it is seen is the next test's
        assert tally.failures == []
        assert "barat-app-2" in result.output
        assert "does not answer ssh" in result.output
        assert "Traceback" not in result.output
        if budget == "1":
            assert result.code == 0, result.output
            assert "the rollout goes on without barat-app-2" in result.output
            repair(stack, new)
            stack.fab("rollback")
        else:
            assert result.code == 1
            assert "barat-app-1: undo activate: done" in result.output
            assert "barat-app-2 could not be put back and is out of the pool" in result.output
            repair(stack, old)
        assert running(stack) == {old}


def test_a_host_whose_packets_are_dropped_is_found_unreachable_within_ten_seconds(stack: LabStack) -> None:
    (old,) = running(stack)
    new = build_release(stack.checkout, "4.2.0").name
    victim = host_named(stack, "timur-app-2")
    times: list[float] = []
    with contextlib.ExitStack() as until_left, asking(url(stack), stack.ca_file) as tally:

        def drop(_: object) -> None:
            until_left.enter_context(packets_dropped(stack, victim))
            times.append(time.monotonic())

        def seen(line: str) -> None:
            if "the rollout goes on without timur-app-2" in line:
                times.append(time.monotonic())

        result = stack.fab_then("timur-app-2: drain", drop, "deploy", "--release", new, listen=seen)
    assert tally.failures == []
    assert result.code == 0, result.output
    assert "timur-app-2: activate: does not answer ssh" in result.output
    dropped, found = times
    assert found - dropped < 10 + 2  # HAProxy's and ssh's own time-outs side by side; the sum of both would be over 20
    repair(stack, new)
    stack.fab("rollback")
    assert running(stack) == {old}


def test_a_service_that_dies_five_seconds_later_does_not_pass_the_gate(stack: LabStack, tmp_path: Path) -> None:
    (old,) = running(stack)
    broken = release_of(tmp_path, "4.3.0", dies_after_five_seconds).name
    with asking(url(stack), stack.ca_file) as tally:
        output = stack.fab_fails("deploy", "--release", broken, "--soak-seconds", "8")
    assert tally.failures == []
    assert re.search(r"error: barat-app-1: (gate|staying up): ", output)
    assert "barat-app-2: drain" not in output
    assert running(stack) == {old}


def test_a_slow_release_does_not_pass_the_gate(stack: LabStack, tmp_path: Path) -> None:
    (old,) = running(stack)
    late = release_of(tmp_path, "4.4.0", slow).name
    for soak in ("0", "5"):  # asked by the gate itself; and under the public's own requests
        with asking(url(stack), stack.ca_file) as tally:
            output = stack.fab_fails("deploy", "--release", late, "--soak-seconds", soak)
        assert tally.failures == []
        assert "error: barat-app-1: gate: it was slow to answer" in output
        assert "barat-app-2: drain" not in output
        assert running(stack) == {old}


def test_a_service_that_is_never_ready_is_undone(stack: LabStack, tmp_path: Path) -> None:
    (old,) = running(stack)
    broken = release_of(tmp_path, "4.5.0", never_ready).name
    with asking(url(stack), stack.ca_file) as tally:
        output = stack.fab_fails("deploy", "--release", broken)
    assert tally.failures == []
    assert "error: barat-app-1: activate: " in output
    assert f"the service is not ready with {broken}" in output
    assert running(stack) == {old}


def test_a_failed_host_within_the_budget_gets_back_what_it_had_and_the_rollout_goes_on(stack: LabStack) -> None:
    (old,) = running(stack)
    new = build_release(stack.checkout, "4.6.0").name
    with (
        refusing(stack, "timur-app-1", new),
        asking(url(stack), stack.ca_file) as tally,
    ):
        output = stack.fab("deploy", "--release", new, "--failed-hosts", "1")
        assert running(stack) == {old, new}
    assert tally.failures == []
    assert "the rollout goes on without timur-app-1" in output
    assert "timur-app-1: put back" in output
    repair(stack, new)
    stack.fab("rollback")
    assert running(stack) == {old}


@pytest.mark.parametrize(
    ("do", "undo", "said"),
    [
        (
            "mkdir -p /var/lib/tegak && mount -t tmpfs -o size=8m tmpfs /var/lib/tegak",
            "umount /var/lib/tegak",
            "timur-app-1: its disk is full: 8 MB are free",
        ),
        (
            "mount --bind /etc /etc && mount -o remount,bind,ro /etc",
            "umount --lazy /etc",
            "timur-app-1: its file system is read-only",
        ),
        (
            f"{command('printf', '%s', CLOCK)} > /usr/local/bin/python3 && chmod 755 /usr/local/bin/python3",
            "rm /usr/local/bin/python3",
            "timur-app-1: its clock is off by +600 s",
        ),
    ],
    ids=["disk full", "read-only file system", "clock ten minutes off"],
)
def test_what_is_wrong_with_a_host_is_said_before_anything_is_touched(
    stack: LabStack, do: str, undo: str, said: str
) -> None:
    (old,) = running(stack)
    new = build_release(stack.checkout, "4.7.0").name
    with on_host_until_left(stack, "timur-app-1", do, undo):
        output = stack.fab_fails("deploy", "--release", new)
    assert said in output
    assert "nothing was changed" in output
    assert "receive" not in output
    assert running(stack) == {old}


def test_a_disk_that_fills_up_as_a_release_arrives_fails_that_step_and_changes_nothing(stack: LabStack) -> None:
    (old,) = running(stack)
    new = build_release(stack.checkout, "4.8.0").name
    incoming = "/srv/tegak/incoming"
    with on_host_until_left(stack, "timur-app-2", f"mount -t tmpfs -o size=64k tmpfs {incoming}", f"umount {incoming}"):
        output = stack.fab_fails("deploy", "--release", new)
    assert "error: timur-app-2: receive: " in output
    assert "No space left on device" in output
    assert "drain" not in output
    assert running(stack) == {old}
