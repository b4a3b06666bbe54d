"""Changing the running system, while clients ask through the edge."""

import csv
import re
import shutil
import time
from pathlib import Path

from roles.fleet import Checkout
from roles.release import build_release, find_release
from roles.scripts.quoting import command, script
from roles.state import read_state
from tests.deploy.clients import asking
from tests.lab import PROJECT, LabStack

ENOUGH_ANSWERS = 200


def running(stack: LabStack) -> set[str]:
    """The releases that the app hosts run."""
    fleet = stack.fleet()
    states = [read_state(fleet, host) for host in fleet.inventory.with_role("app")]
    fleet.close()
    return {str(state.running_release) for state in states}


def url(stack: LabStack) -> str:
    return stack.inventory().edge.url


def release_that_breaks(tmp_path: Path) -> str:
    """A signed release whose service doesn't start."""
    project = tmp_path / "project"
    shutil.copytree(PROJECT / "app", project / "app", ignore=shutil.ignore_patterns("__pycache__"))
    (project / "app/service.py").write_text("raise RuntimeError('this release is broken')\n")
    for name in (".secrets", ".cache", "dist"):
        (project / name).symlink_to(PROJECT / name)
    return build_release(Checkout(project, ""), "9.9.9").name


def second_tries(stack: LabStack) -> int:
    """How many requests the load balancers had to send to another host, or got a failure for."""
    fleet, ask = stack.fleet(), "echo 'show stat' | socat - UNIX-CONNECT:/run/haproxy/admin.sock"
    tables = [fleet[host].run("test", script(ask)) for host in fleet.inventory.with_role("lb")]
    fleet.close()
    rows = [row for table in tables for row in csv.DictReader(table.removeprefix("# ").splitlines())]
    servers = [row for row in rows if row["svname"] not in {"FRONTEND", "BACKEND"}]
    assert len(servers) == 4
    return sum(int(row[name] or 0) for row in servers for name in ("wretr", "wredis", "eresp", "hrsp_5xx"))


def test_deploying_and_rolling_back_fails_no_request(stack: LabStack) -> None:
    (old,) = running(stack)
    new = build_release(stack.checkout, "1.0.1").name
    before = second_tries(stack)
    with asking(url(stack), stack.ca_file) as tally:
        deployed = stack.fab("deploy", "--release", new)
        assert running(stack) == {new}
        rolled_back = stack.fab("rollback")
        assert running(stack) == {old}
        time.sleep(0.5)
    assert tally.failures == []
    assert second_tries(stack) == before  # drained first, so nothing had to be mended
    assert tally.answers > ENOUGH_ANSWERS
    assert tally.releases == {old, new}
    assert tally.hosts == {host.name for host in stack.inventory().with_role("app")}
    assert f"deploy: {new}: 4 hosts switched" in deployed
    assert f"rollback: {old}: 4 hosts switched" in rolled_back


def test_a_second_deploy_of_the_same_release_switches_nothing(stack: LabStack) -> None:
    (current,) = running(stack)
    assert "0 hosts switched, 4 had it already" in stack.fab("deploy", "--release", current)


def test_a_dry_run_shows_the_plan_and_does_nothing(stack: LabStack) -> None:
    (current,) = running(stack)
    new = build_release(stack.checkout, "1.0.2").name
    shown = stack.fab("deploy", "--release", new, "--dry-run")
    assert re.findall(r"^\d\. (\S+)", shown, re.MULTILINE) == [
        "barat-app-1",
        "barat-app-2",
        "timur-app-1",
        "timur-app-2",
    ]
    assert running(stack) == {current}
    fleet = stack.fleet()
    assert all(new not in read_state(fleet, host).releases for host in fleet.inventory.with_role("app"))
    fleet.close()


def test_a_release_that_does_not_start_is_undone_where_it_was_tried(stack: LabStack, tmp_path: Path) -> None:
    (current,) = running(stack)
    broken = release_that_breaks(tmp_path)
    with asking(url(stack), stack.ca_file) as tally:
        output = stack.fab_fails("deploy", "--release", broken)
    assert tally.failures == []
    assert "error: barat-app-1: waiting until it is ready" in output
    assert "this release is broken" in output  # the last log lines
    assert f"barat-app-1 has {current} again and is back in the pool" in output
    assert "next: " in output
    assert running(stack) == {current}


def test_a_host_that_dies_midway_stops_the_rollout_and_fails_no_request(stack: LabStack) -> None:
    (old,) = running(stack)
    new = build_release(stack.checkout, "1.0.3").name
    victim = next(host for host in stack.inventory().hosts if host.name == "barat-app-2")
    with asking(url(stack), stack.ca_file) as tally:
        output = stack.fab_until("barat-app-2: draining", lambda _: stack.cut_power(victim), "deploy", "--release", new)
    assert tally.failures == []
    assert "error: barat-app-2: " in output
    assert "does not answer ssh" in output
    assert "barat-app-2 was left out of the pool" in output
    assert "Traceback" not in output
    assert "barat-app-2" in stack.fab_fails("status")

    stack.pulumi_up()  # repairs the host
    finished = stack.fab("deploy", "--release", new)
    assert re.search(r"3 hosts switched in \d+ s, 1 had it already", finished)
    assert running(stack) == {new}
    assert old in stack.fab("rollback")
    assert running(stack) == {old}


def test_a_rollout_that_was_killed_is_finished_by_the_next(stack: LabStack) -> None:
    new = build_release(stack.checkout, "1.0.4").name
    with asking(url(stack), stack.ca_file) as tally:
        stack.fab_until("timur-app-1: activating", lambda task: task.kill(), "deploy", "--release", new)
        stack.fab("deploy", "--release", new)
    assert tally.failures == []
    assert running(stack) == {new}
    stack.fab("rollback")


def test_losing_a_location_fails_no_request(stack: LabStack) -> None:
    lost = [host for host in stack.inventory().hosts if host.location == "barat"]
    with asking(url(stack), stack.ca_file) as tally:
        time.sleep(1)
        for host in lost:
            stack.cut_power(host)
        time.sleep(6)
    assert tally.failures == []
    assert tally.answers > ENOUGH_ANSWERS
    output = stack.fab_fails("status")
    assert output.count("unreachable") == 3
    stack.pulumi_up()


def test_old_releases_are_removed_and_the_recent_ones_kept(stack: LabStack) -> None:
    (current,) = running(stack)
    fleet = stack.fleet()
    host = fleet.inventory.with_role("app")[0]
    for number in range(8):
        directory = f"/srv/tegak/releases/0.0.{number}-0000000000"
        fleet[host].run(
            "making old releases", script(command("mkdir", directory), command("touch", f"{directory}/.complete"))
        )
    stack.fab("deploy", "--release", current)
    releases = read_state(fleet, host).releases
    fleet.close()
    assert current in releases
    assert not any(name.startswith("0.0.") for name in releases)


def test_what_is_not_built_is_refused_with_the_names_that_are(stack: LabStack) -> None:
    output = stack.fab_fails("deploy", "--release", "7.7.7-0123456789")
    assert "release 7.7.7-0123456789 is not built" in output
    assert find_release(stack.checkout, next(iter(running(stack)))).name in output
