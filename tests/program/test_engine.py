"""The Pulumi program under the real engine, on real hosts."""

import subprocess
import time
from pathlib import Path

from infra.lab.cgroup import PARENT, hierarchies
from infra.lab.claim import stacks_here
from infra.lab.machine import greets, runs
from infra.lab.paths import stack_directory
from tests.lab import LabStack


def traces(stack: LabStack, network: str) -> list[str]:
    """What the stack still has on this machine: processes, mounts, links, control groups, addresses."""
    directory = str(stack_directory(stack.name))
    commands = (["ps", "-eo", "args"], ["ip", "-br", "link"], ["ip", "-br", "-4", "address"], ["ip", "route"])
    lines = [line for argv in commands for line in subprocess.check_output(argv, text=True).splitlines()]
    lines += Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    lines += [str(group) for root in hierarchies() for group in (root / PARENT).glob("*")]
    octets = network.split(".")
    return [line for line in lines if directory in line or f"tg18-{octets[2]}" in line or network in line]


def change_app_hosts(stack: LabStack, number: int) -> None:
    text = stack.settings.read_text(encoding="utf-8")
    stack.settings.write_text(text.replace("app_hosts: 1", f"app_hosts: {number}"), encoding="utf-8")


def test_a_preview_makes_nothing(stack: LabStack) -> None:
    stack.succeed("pulumi", "preview", "-s", stack.name)
    assert stack.name not in stacks_here()


def test_up_makes_hosts_that_ssh_reaches_and_destroy_leaves_nothing(stack: LabStack) -> None:
    assert "12 created" in stack.pulumi_up()
    inventory = stack.inventory()
    assert [host.name for host in inventory.hosts] == ["barat-lb-1", "barat-app-1", "edge-1"]
    assert all(greets(host.address) for host in inventory.hosts)  # pyright: ignore[reportArgumentType]
    assert traces(stack, "198.18.33.")
    resources = stack.succeed("pulumi", "stack", "--show-urns", "-s", stack.name)
    assert "Location$pulumi-python:dynamic/lab:Host::barat-app-1" in resources
    assert "Edge$pulumi-python:dynamic/lab:Host::edge-1" in resources
    assert "12 unchanged" in stack.pulumi_up()

    stack.succeed("pulumi", "destroy", "--yes", "--skip-preview", "-s", stack.name)
    assert traces(stack, "198.18.32.") == []
    assert traces(stack, "198.18.33.") == []
    assert not stack_directory(stack.name).exists()


def test_a_changed_number_of_hosts_adds_and_removes_just_those(stack: LabStack) -> None:
    stack.pulumi_up()
    first = stack.inventory()
    change_app_hosts(stack, 2)
    assert "1 created" in stack.pulumi_up()
    second = stack.inventory()
    assert [host for host in second.hosts if host.name != "barat-app-2"] == list(first.hosts)
    stack.settings.write_text(stack.settings.read_text(encoding="utf-8").replace("app_hosts: 2", "app_hosts: 1"))
    assert "1 deleted" in stack.pulumi_up()
    assert stack.inventory() == first


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


def test_an_up_that_was_killed_is_finished_by_the_next(stack: LabStack) -> None:
    with stack.start("pulumi", "up", "--yes", "--skip-preview", "-s", stack.name) as process:
        deadline = time.monotonic() + 60
        while not list(stack_directory(stack.name).glob("hosts/*/machine")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.kill()
    stack.pulumi_up()
    assert all(greets(host.address) for host in stack.inventory().hosts)  # pyright: ignore[reportArgumentType]


def test_two_stacks_side_by_side_do_not_collide(stack: LabStack, neighbour: LabStack) -> None:
    stack.pulumi_up()
    neighbour.pulumi_up()
    hosts = [*stack.inventory().hosts, *neighbour.inventory().hosts]
    assert all(greets(host.address) for host in hosts)  # pyright: ignore[reportArgumentType]
    assert len({host.address for host in hosts}) == len(hosts)
    neighbour.succeed("pulumi", "destroy", "--yes", "--skip-preview", "-s", neighbour.name)
    assert all(greets(host.address) for host in stack.inventory().hosts)  # pyright: ignore[reportArgumentType]
    assert "unreachable 198.18.0.0/15" in subprocess.check_output(["ip", "route"], text=True)


def test_a_network_that_is_taken_is_refused_with_the_link_that_has_it(stack: LabStack) -> None:
    subprocess.call(["ip", "link", "del", "uji-taken"], stderr=subprocess.DEVNULL)  # of a run that died
    subprocess.check_call(["ip", "link", "add", "uji-taken", "type", "bridge"])
    try:
        subprocess.check_call(["ip", "address", "add", "198.18.33.77/24", "dev", "uji-taken"])
        output = stack.run("pulumi", "up", "--yes", "--skip-preview", "-s", stack.name)
        assert output.code != 0
        assert "the network 198.18.33.0/24 of bridge tg18-33 is taken by uji-taken" in output.output
        assert "next: pulumi config set tegak:network" in output.output
    finally:
        subprocess.check_call(["ip", "link", "del", "uji-taken"])
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
