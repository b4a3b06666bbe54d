"""Changing the running system, while clients ask through the edge and straight at each load balancer."""

import csv
import re
import time
from pathlib import Path

from infra.bridge.inventory import Host
from roles.artefacts.release import build_release, find_release
from roles.hosts.state import observe, read_state
from roles.scripts.quoting import command, script
from tests.deploy.clients import asking
from tests.deploy.sources import does_not_start, other_configuration, release_of
from tests.stands.lab import LabStack

ENOUGH_ANSWERS = 20_000
HOSTS = ["barat-app-1", "barat-app-2", "timur-app-1", "timur-app-2"]
MARK = "/etc/tegak/new-in-this-release"


def running(stack: LabStack) -> set[str]:
    """The releases that the app hosts run."""
    fleet = stack.fleet()
    states = [read_state(fleet, host) for host in fleet.inventory.with_role("app")]
    fleet.close()
    return {str(state.running_release) for state in states}


def url(stack: LabStack) -> str:
    return stack.inventory().edge.url


def balancers(stack: LabStack) -> tuple[str, ...]:
    return tuple(str(host.address) for host in stack.inventory().with_role("lb"))


def host_named(stack: LabStack, name: str) -> Host:
    return next(host for host in stack.inventory().hosts if host.name == name)


def on_host(stack: LabStack, name: str, *words: str) -> str:
    fleet = stack.fleet()
    printed = fleet[host_named(stack, name)].run("test", script(command(*words)))
    fleet.close()
    return printed


def second_tries(stack: LabStack) -> int:
    """How many requests the load balancers had to send to another host, or got a failure for."""
    fleet, ask = stack.fleet(), "echo 'show stat' | socat - UNIX-CONNECT:/run/haproxy/admin.sock"
    tables = [fleet[host].run("test", script(ask)) for host in fleet.inventory.with_role("lb")]
    fleet.close()
    rows = [row for table in tables for row in csv.DictReader(table.removeprefix("# ").splitlines())]
    servers = [row for row in rows if row["svname"] not in {"FRONTEND", "BACKEND"}]
    assert len(servers) == len(HOSTS)
    return sum(int(row[name] or 0) for row in servers for name in ("wretr", "wredis", "eresp", "hrsp_5xx"))


def test_twenty_thousand_requests_during_deploys_configuration_changes_and_rollbacks_and_none_fails(
    stack: LabStack, tmp_path: Path
) -> None:
    (old,) = running(stack)
    code = build_release(stack.checkout, "1.0.1").name
    configuration = release_of(tmp_path, "1.1.0", other_configuration).name
    with asking(url(stack), stack.ca_file, straight=balancers(stack)) as tally:
        deadline = time.monotonic() + 300
        while tally.total < ENOUGH_ANSWERS and time.monotonic() < deadline:
            for release in (code, configuration):
                stack.fab("deploy", "--release", release)
                assert running(stack) == {release}
                stack.fab("rollback")
                assert running(stack) == {old}
                assert tally.failures == []
    assert tally.failures == []
    assert tally.total >= ENOUGH_ANSWERS
    assert min(tally.answers.values()) > 0
    assert tally.releases == {old, code, configuration}
    assert tally.hosts == set(HOSTS)


def test_a_host_is_drained_before_it_is_touched_so_that_nothing_has_to_be_mended(stack: LabStack) -> None:
    (old,) = running(stack)
    new = build_release(stack.checkout, "1.0.2").name
    before = second_tries(stack)
    with asking(url(stack), stack.ca_file) as tally:
        stack.fab("deploy", "--release", new)
        stack.fab("rollback")
    assert tally.failures == []
    assert second_tries(stack) == before
    assert running(stack) == {old}


def test_rolling_back_a_release_rolls_its_configuration_back_too(stack: LabStack, tmp_path: Path) -> None:
    new = release_of(tmp_path, "1.1.1", other_configuration).name
    stack.fab("deploy", "--release", new)
    assert on_host(stack, "timur-app-2", "cat", MARK) == "timur-app-2\n"
    assert "stats timeout 31s" in on_host(stack, "edge-1", "cat", "/etc/haproxy/haproxy.cfg")
    assert "no drift" in stack.fab("drift")
    find_release(stack.checkout, new).path.unlink()  # what is needed is kept on the hosts
    stack.fab("rollback")
    assert on_host(stack, "timur-app-2", "find", "/etc/tegak", "-name", "new-in*") == ""
    assert "stats timeout 30s" in on_host(stack, "edge-1", "cat", "/etc/haproxy/haproxy.cfg")
    assert "no drift" in stack.fab("drift")
    assert "configure: " in stack.fab("configure")


def test_a_second_deploy_of_the_same_release_changes_nothing(stack: LabStack) -> None:
    (current,) = running(stack)
    assert f"deploy: {current}: every host has it already" in stack.fab("deploy", "--release", current)


def test_a_plan_begins_with_one_host_and_goes_through_one_location_after_another(stack: LabStack) -> None:
    new = build_release(stack.checkout, "1.0.3").name
    shown = stack.fab("plan", "--release", new)
    phases = re.findall(r"^\d\. (.*)$", shown, re.MULTILINE)
    assert phases == ["receive", "canary host", "canary location barat", "location timur"]
    assert re.findall(r"(\S+): drain", shown) == HOSTS
    assert "gate on barat-lb-1: barat-app-1 against barat-app-2" in shown
    assert "gate on edge-1: barat against timur" in shown


def test_a_release_that_does_not_start_is_undone_where_it_was_tried(stack: LabStack, tmp_path: Path) -> None:
    (current,) = running(stack)
    broken = release_of(tmp_path, "9.9.9", does_not_start).name
    with asking(url(stack), stack.ca_file) as tally:
        output = stack.fab_fails("deploy", "--release", broken)
    assert tally.failures == []
    assert "error: barat-app-1: activate: " in output
    assert "this release is broken" in output  # the last log lines
    assert "1 hosts have what they had" in output
    assert "barat-app-2: drain" not in output
    assert "next: " in output
    assert running(stack) == {current}
    assert "undone" in stack.fab("history").splitlines()[-1]


def test_a_rollout_needs_one_login_a_host(stack: LabStack) -> None:
    new = build_release(stack.checkout, "1.0.4").name
    count = ("sh", "-c", "journalctl --sync; journalctl -u ssh -o cat | grep -c '^Accepted publickey'")
    before = int(on_host(stack, "barat-app-1", *count))
    stack.fab("deploy", "--release", new)
    assert int(on_host(stack, "barat-app-1", *count)) == before + 2  # the rollout's, and the one that counts
    stack.fab("rollback")


def test_losing_a_location_fails_no_request(stack: LabStack) -> None:
    lost = [host for host in stack.inventory().hosts if host.location == "barat"]
    with asking(url(stack), stack.ca_file) as tally:
        time.sleep(1)
        for host in lost:
            stack.cut_power(host)
        time.sleep(6)
    assert tally.failures == []
    assert tally.total > ENOUGH_ANSWERS / 100
    output = stack.fab_fails("status")
    assert output.count("unreachable") == 3
    stack.pulumi_up()


def test_a_location_is_taken_out_and_put_back_gently(stack: LabStack) -> None:
    with asking(url(stack), stack.ca_file) as tally:
        assert "barat is out; timur serves" in stack.fab("drain-location", "barat", "--reason", "power works")
        tally.hosts.clear()
        time.sleep(1)
        assert tally.hosts == {"timur-app-1", "timur-app-2"}
        assert "no other location than timur serves" in stack.fab_fails("drain-location", "timur")
        assert "location is drained" in stack.fab_fails("status")
        assert "did you mean barat?" in stack.fab_fails("undrain-location", "barrat")
        stack.fab("undrain-location", "barat")
        time.sleep(1)
    assert tally.failures == []
    assert tally.hosts == set(HOSTS)


def test_old_releases_are_removed_and_the_recent_ones_kept(stack: LabStack) -> None:
    new = build_release(stack.checkout, "1.0.5").name
    (current,) = running(stack)
    fleet = stack.fleet()
    host = fleet.inventory.with_role("app")[0]
    for number in range(8):
        directory = f"/srv/tegak/releases/0.0.{number}-0000000000"
        fleet[host].run(
            "making old releases", script(command("mkdir", directory), command("touch", f"{directory}/.complete"))
        )
    stack.fab("deploy", "--release", new)
    releases = observe(fleet).states[host.name].releases
    fleet.close()
    assert {current, new} <= set(releases)
    assert not any(name.startswith("0.0.") for name in releases)
    stack.fab("rollback")


def test_what_is_not_built_is_refused_with_the_closest_names(stack: LabStack) -> None:
    (current,) = running(stack)
    output = stack.fab_fails("deploy", "--release", f"{current[:-1]}x")
    assert "is not built" in output
    assert current in output
    assert f"did you mean {current}" in stack.fab_fails("rollback", "--release", f"{current[:-1]}x")
