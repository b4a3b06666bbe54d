"""The Pulumi program under the real engine, on real hosts."""

import os
import stat
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.addresses import EDGE_NETWORK, network_plan
from infra.bridge.errors import OperatorError
from infra.bridge.files import write_whole
from infra.bridge.inventory import Host
from infra.lab.claim import read_mark, stacks_here
from infra.lab.machine import disk_of, first_process, greets, runs, supervisor
from infra.lab.paths import host_directory, stack_directory
from infra.lab.providers import BridgeProvider, ClaimProvider, HostProvider
from tests.stands.lab import PROJECT, LabStack, copy_of_checkout
from tests.traces import traces

LOCATION = 1


def change_settings(stack: LabStack, old: str, new: str) -> None:
    text = stack.settings.read_text(encoding="utf-8")
    assert old in text
    stack.settings.write_text(text.replace(old, new), encoding="utf-8")


def change_app_hosts(stack: LabStack, number: int) -> None:
    change_settings(stack, "app_hosts: 1", f"app_hosts: {number}")


def all_greet(stack: LabStack) -> bool:
    return all(greets(host.address) for host in stack.inventory().hosts)  # pyright: ignore[reportArgumentType]


def checkout_of(stack: LabStack) -> str:
    mark = read_mark(stack.name)
    return mark.checkout if mark else ""


def supervisors(stack: LabStack) -> dict[str, int | None]:
    """The process that keeps each host, by the host's name: another one means another boot."""
    return {host.name: supervisor(stack.disk(host)) for host in stack.inventory().hosts}


def in_network_of(stack: LabStack, host: Host, *argv: str) -> None:
    """Run a command of this machine in a host's network."""
    subprocess.check_call(["nsenter", f"--target={first_process(stack.disk(host))}", "--net", *argv])


@contextmanager
def umask(mask: int) -> Generator[None, None, None]:
    """Everything that is started meanwhile has this umask."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def test_a_preview_makes_nothing(stack: LabStack) -> None:
    stack.succeed("pulumi", "preview", "-s", stack.name)
    assert stack.name not in stacks_here()


def test_up_makes_hosts_that_ssh_reaches_and_destroy_leaves_nothing(stack: LabStack) -> None:
    assert "12 created" in stack.pulumi_up()
    inventory = stack.inventory()
    assert [host.name for host in inventory.hosts] == ["barat-lb-1", "barat-app-1", "edge-1"]
    assert all(greets(host.address) for host in inventory.hosts)  # pyright: ignore[reportArgumentType]
    assert traces(stack.name, stack.network)
    resources = stack.succeed("pulumi", "stack", "--show-urns", "-s", stack.name)
    assert "Location$pulumi-python:dynamic/lab:Host::barat-app-1" in resources
    assert "Edge$pulumi-python:dynamic/lab:Host::edge-1" in resources
    assert "12 unchanged" in stack.pulumi_up()

    stack.succeed("pulumi", "destroy", "--yes", "--skip-preview", "-s", stack.name)
    assert traces(stack.name, stack.network) == []
    assert not stack_directory(stack.name).exists()


def test_a_changed_number_of_hosts_adds_just_those_and_removes_them_when_their_number_is_named(stack: LabStack) -> None:
    stack.pulumi_up()
    first = stack.inventory()
    change_app_hosts(stack, 2)
    assert "1 created" in stack.pulumi_up()
    second = stack.inventory()
    assert [host for host in second.hosts if host.name != "barat-app-2"] == list(first.hosts)

    change_settings(stack, "app_hosts: 2", "app_hosts: 1")
    lost = "1 would be destroyed: host barat-app-2 (deleted)"
    assert lost in stack.fail("pulumi", "preview", "-s", stack.name)
    assert lost in stack.fail("pulumi", "up", "--yes", "--skip-preview", "-s", stack.name)
    assert lost in stack.fab_fails("up")
    assert "2 was named" in stack.fab_fails("up", "--destroy", "2")
    assert all_greet(stack)
    assert "1 deleted" in stack.pulumi_up(destroy=1)
    assert stack.inventory() == first


def test_fab_up_destroys_what_was_named(stack: LabStack) -> None:
    change_app_hosts(stack, 2)
    stack.pulumi_up()
    change_settings(stack, "app_hosts: 2", "app_hosts: 1")
    # The site is not deployed here: that it comes to it says that the engine is done.
    stack.fab_then("== fab build", lambda fab: fab.terminate(), "up", "--destroy", "1")
    assert [host.name for host in stack.inventory().with_role("app")] == ["barat-app-1"]


def test_a_killed_host_is_seen_by_refresh_and_repaired_by_up(stack: LabStack) -> None:
    stack.pulumi_up()
    host = stack.inventory().with_role("app")[0]
    kept = stack.disk(host).root / "srv/kept"
    kept.write_text("results")
    assert "there are: barat-app-1, barat-lb-1, edge-1" in stack.fail(
        "python", "-m", "infra.lab", "end", stack.name, "x"
    )
    stack.succeed("python", "-m", "infra.lab", "end", stack.name, host.name)
    assert not runs(stack.disk(host))

    seen = stack.succeed("pulumi", "refresh", "--yes", "--skip-preview", "-s", stack.name)
    assert "1 updated" in seen
    assert "~  pulumi-python:dynamic/lab:Host barat-app-1" in seen
    repaired = stack.pulumi_up()
    assert "1 updated" in repaired
    assert greets(host.address)  # pyright: ignore[reportArgumentType]
    assert kept.read_text() == "results"
    assert stack.inventory().with_role("app")[0].host_keys == host.host_keys


def test_a_location_can_not_be_renamed_and_trying_to_costs_nothing(standing: LabStack) -> None:
    stack = standing
    before = supervisors(stack)
    change_settings(stack, "name: barat", "name: utara")
    network = network_plan(stack.network, LOCATION).network
    said = f"location 'utara' wants the network {network}, which location 'barat' of this stack still has"
    assert said in stack.fail("pulumi", "preview", "-s", stack.name)
    assert said in stack.fail("pulumi", "up", "--yes", "--skip-preview", "-s", stack.name)
    change_settings(stack, "name: utara", "name: barat")
    assert "12 unchanged" in stack.pulumi_up()
    assert supervisors(stack) == before
    assert all_greet(stack)


def test_what_a_state_wrongly_takes_for_its_own_is_neither_taken_nor_removed(standing: LabStack) -> None:
    before = supervisors(standing)
    app = standing.inventory().with_role("app")[0]
    plan = network_plan(standing.network, LOCATION)
    stale = {
        "stack": standing.name,
        "location": "utara",
        "name": plan.bridge,
        "gateway": str(plan.gateway),
        "delay_ms": 0,
    }
    BridgeProvider().delete("", stale)
    assert BridgeProvider().read("x", stale).id == ""
    with pytest.raises(OperatorError, match="which location 'barat' of this stack still has"):
        BridgeProvider().create(stale)
    with pytest.raises(OperatorError, match=f"which location 'barat' of stack '{standing.name}' has on this machine"):
        BridgeProvider().create({**stale, "stack": "uji-another"})
    ClaimProvider().delete("another", {"stack": standing.name})

    # A host under another name, once at the same address: its link and its control group are the other host's by now.
    directory = host_directory(standing.name, "utara-app-1")
    machine = plan.machine(plan.app_host(1))
    write_whole(directory / "machine", machine.encode())
    assert disk_of(machine) == standing.disk(app).root
    HostProvider().delete("", {"stack": standing.name, "hostname": "utara-app-1"})
    assert not directory.exists()
    assert supervisors(standing) == before
    assert all_greet(standing)


def test_a_network_that_was_taken_apart_is_put_together_by_up_under_the_running_hosts(
    standing: LabStack,
) -> None:
    stack = standing
    before = supervisors(stack)
    location, edge = (network_plan(stack.network, number).bridge for number in (LOCATION, EDGE_NETWORK))
    subprocess.check_call(["ip", "link", "del", location])  # with it go its address, its route and its ports
    subprocess.check_call(["ip", "address", "flush", "dev", edge])
    subprocess.check_call(["ip", "route", "del", "unreachable", "198.18.0.0/15"])
    assert not any(greets(host.address, 0.3) for host in stack.inventory().hosts)  # pyright: ignore[reportArgumentType]

    stack.pulumi_up()
    assert all_greet(stack)
    assert "unreachable 198.18.0.0/15" in subprocess.check_output(["ip", "route"], text=True)
    assert supervisors(stack) == before


def test_a_host_that_runs_and_does_not_answer_is_booted_anew_by_up(standing: LabStack) -> None:
    stack = standing
    before = supervisors(stack)
    host = stack.inventory().with_role("app")[0]
    in_network_of(stack, host, "ip", "address", "flush", "dev", "host0")
    assert runs(stack.disk(host))

    assert "1 updated" in stack.pulumi_up()
    assert greets(host.address)  # pyright: ignore[reportArgumentType]
    changed = {name for name, process in supervisors(stack).items() if process != before[name]}
    assert changed == {host.name}


def test_a_checkout_that_moved_keeps_its_hosts(standing: LabStack, tmp_path: Path) -> None:
    stack = standing
    before = supervisors(stack)
    moved = tmp_path / "tegak moved"
    copy_of_checkout(moved, "Pulumi.yaml", "infra", ".secrets", str(stack.settings.relative_to(PROJECT)))
    up = ("pulumi", "up", "--yes", "--skip-preview", "-s", stack.name)
    assert "1 updated" in stack.succeed(*up, "--cwd", str(moved))
    assert checkout_of(stack) == str(moved)
    assert "1 updated" in stack.succeed(*up)
    assert checkout_of(stack) == str(PROJECT)

    # Replaced by force, the claim hands everything over to its successor.
    urns = stack.succeed("pulumi", "stack", "--show-urns", "-s", stack.name)
    claim = next(word for word in urns.split() if word.endswith("lab:Claim::claim"))
    assert "1 replaced" in stack.succeed(*up, "--replace", claim)
    assert supervisors(stack) == before
    assert all_greet(stack)


def test_hosts_boot_and_can_be_looked_into_whatever_the_operators_umask(stack: LabStack) -> None:
    with umask(0o077):
        stack.pulumi_up()
    for host in stack.inventory().hosts:
        root = stack.disk(host).root
        parts = ("", "home/deploy/.ssh", *(("etc/tegak", "etc/tegak/tls") if host.name == "edge-1" else ()))
        assert {stat.S_IMODE((root / part).stat().st_mode) for part in parts} == {0o755}


def test_an_up_that_was_killed_is_finished_by_the_next(stack: LabStack) -> None:
    with stack.start("pulumi", "up", "--yes", "--skip-preview", "-s", stack.name) as process:
        deadline = time.monotonic() + 60
        while not list(stack_directory(stack.name).glob("hosts/*/machine")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.kill()
    stack.pulumi_up()
    assert all_greet(stack)


def test_two_stacks_side_by_side_do_not_collide(stack: LabStack, neighbour: LabStack) -> None:
    stack.pulumi_up()
    neighbour.pulumi_up()
    hosts = [*stack.inventory().hosts, *neighbour.inventory().hosts]
    assert all(greets(host.address) for host in hosts)  # pyright: ignore[reportArgumentType]
    assert len({host.address for host in hosts}) == len(hosts)
    neighbour.succeed("pulumi", "destroy", "--yes", "--skip-preview", "-s", neighbour.name)
    assert all_greet(stack)
    assert "unreachable 198.18.0.0/15" in subprocess.check_output(["ip", "route"], text=True)


def test_a_network_that_is_taken_is_refused_with_the_link_that_has_it(stack: LabStack) -> None:
    plan = network_plan(stack.network, LOCATION)
    link = f"uji-{plan.bridge}"
    subprocess.call(["ip", "link", "del", link], stderr=subprocess.DEVNULL)  # of a run that died
    subprocess.check_call(["ip", "link", "add", link, "type", "bridge"])
    try:
        subprocess.check_call(["ip", "address", "add", f"{plan.network[77]}/24", "dev", link])
        output = stack.run("pulumi", "up", "--yes", "--skip-preview", "-s", stack.name)
        assert output.code != 0
        assert f"the network {plan.network} of bridge {plan.bridge} is taken by {link}" in output.output
        assert "next: pulumi config set tegak:network" in output.output
    finally:
        subprocess.check_call(["ip", "link", "del", link])
    stack.pulumi_up()


def test_wrong_settings_are_refused_with_key_value_and_what_is_allowed(stack: LabStack) -> None:
    change_app_hosts(stack, 13)
    output = stack.run("pulumi", "preview", "-s", stack.name)
    assert output.code != 0
    assert "tegak:locations[0].app_hosts is 13: Input should be less than or equal to 12" in output.output
    assert "next: $EDITOR stacks/" in output.output
    assert "unhandled" not in output.output
    assert "Traceback" not in output.output


def test_the_state_holds_no_private_key(stack: LabStack) -> None:
    stack.pulumi_up()
    state = "".join(file.read_text(encoding="utf-8") for file in (stack.directory / "state").rglob("*.json"))
    assert "barat-app-1" in state
    assert "PRIVATE KEY" not in state
