"""Machines that exist already: lab hosts of one stack, adopted by another as if they were one's own."""

import datetime as dt
import subprocess
from collections.abc import Generator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from infra.addresses import network_plan
from infra.bridge.errors import OperatorError
from infra.bridge.inventory import Host
from infra.lab import pki
from infra.lab.machine import supervisor
from roles.hosts.state import observe
from roles.scripts.quoting import command, script
from tests.stands.lab import NETWORK, PROJECT, SMALL, LabStack, lab_stack

SERVER_NAME = "hasil.uji.test"
COMMON = f"""config:
  tegak:server_name: {SERVER_NAME}
  tegak:operator_key_file: .secrets/operator.pub
  tegak:rollout: {{soak_seconds: 0}}
"""
ROLES = {"gudang-lb-1": "lb", "gudang-app-1": "app", "edge-1": "app", "gudang-app-2": "edge"}
"""What the machines become; what they were made for in their own stack is never applied to them."""

NAMES = {"gudang-lb-1": "bagi", "gudang-app-1": "satu", "edge-1": "dua", "gudang-app-2": "tepi"}
UP = ("pulumi", "up", "--yes", "--skip-preview", "-s")
Machines = Mapping[str, Host]


def adopting(machines: Machines, *without: str) -> str:
    """The settings of a location that adopts the machines."""
    lines = ["    - name: kementerian", "      kind: hosts", "      machines:"]
    for made_as, name in NAMES.items():
        if name in without:
            continue
        host = machines[name]
        lines.append(f"        - name: {name}")
        lines.append(f"          role: {ROLES[made_as]}")
        lines.append(f"          address: {host.address}")
        lines.append(f"          host_keys: [{host.host_keys[0]} root@{made_as}]")
    return "\n".join(["  tegak:locations:", *lines, ""])


def certificate(directory: Path) -> str:
    """A certificate as the operators have it, and the settings that name it."""
    authority = pki.make_authority(directory, "uji")
    pair = pki.issue_server_certificate(authority, directory, [SERVER_NAME], [], now=dt.datetime.now(dt.UTC))
    (directory / "edge.crt").write_text(pair.certificate_pem)
    files = {"certificate_file": "edge.crt", "key_file": "edge.key", "authority_file": "ca.crt"}
    words = ", ".join(f"{key}: {(directory / name).relative_to(PROJECT)}" for key, name in files.items())
    return f"  tegak:certificate: {{{words}}}\n"


@pytest.fixture(scope="module")
def machines(shelf: LabStack) -> Machines:
    """The machines by the names that they are adopted under."""
    return {NAMES[host.name]: host for host in shelf.inventory().hosts}


@pytest.fixture
def own(machines: Machines) -> Generator[LabStack, None, None]:
    """A stack of nothing but the machines: known to the engine, not up yet."""
    with lab_stack("milik", "") as stack:
        settings = COMMON + certificate(stack.directory) + adopting(machines)
        stack.settings.write_text(settings, encoding="utf-8")
        stack.succeed("pulumi", "stack", "init", stack.name)
        yield stack


def change(stack: LabStack, old: str, new: str) -> None:
    """Change the stack's settings."""
    text = stack.settings.read_text(encoding="utf-8")
    assert old in text
    stack.settings.write_text(text.replace(old, new, 1), encoding="utf-8")


def running(shelf: LabStack) -> dict[str, int | None]:
    """Which processes run the machines: others, once one was started anew."""
    return {host.name: supervisor(shelf.disk(host)) for host in shelf.inventory().hosts}


def on_host(stack: LabStack, name: str, *words: str) -> str:
    fleet = stack.fleet()
    host = next(host for host in fleet.inventory.hosts if host.name == name)
    printed = fleet[host].run("test", script(command(*words)))
    fleet.close()
    return printed


def ask_edge(stack: LabStack) -> str:
    """The site, as its public sees it."""
    edge = stack.inventory().edge
    argv = ["curl", "-sf", "--max-time", "5", "--cacert", str(stack.ca_file)]
    argv += ["--resolve", f"{SERVER_NAME}:443:{edge.address}", f"https://{SERVER_NAME}/ppwp/hitung-suara"]
    return subprocess.check_output(argv, text=True)


def test_the_whole_job_works_on_machines_one_owns_and_forgetting_them_leaves_them_as_they_are(
    shelf: LabStack, own: LabStack
) -> None:
    before = running(shelf)
    own.succeed("fab", "up", "--stack", own.name, "--source", SMALL)  # its last parts are verify and status
    assert "Data per <time datetime=" in ask_edge(own)
    inventory = own.inventory()
    assert {host.name: host.location for host in inventory.hosts if host.name != "tepi"} == dict.fromkeys(
        ("bagi", "satu", "dua"), "kementerian"
    )
    assert [host.name for host in inventory.with_role("edge", "edge")] == ["tepi"]
    assert "unchanged" in own.pulumi_up()
    assert "every host has it already" in own.fab("certificate")

    assert "drain satu" in own.fab("deploy", "--release", own.build("2.0.1"))
    own.fab("rollback")
    assert "Data per <time datetime=" in ask_edge(own)

    assert on_host(own, "tepi", "stat", "-c", "%a %U", "/etc/tegak/tls/edge.key").split() == ["600", "root"]
    state = "".join(file.read_text(encoding="utf-8") for file in (own.directory / "state").rglob("*.json"))
    assert "kementerian" in state
    assert "PRIVATE KEY" not in state

    own.succeed("fab", "down", "--stack", own.name)
    assert running(shelf) == before
    assert None not in before.values()
    assert "Data per <time datetime=" in subprocess.check_output(
        ["curl", "-sf", f"http://{inventory.with_role('lb')[0].address}/ppwp/hitung-suara"], text=True
    )


def test_a_machine_with_another_key_than_the_pinned_one_is_not_adopted(own: LabStack, machines: Machines) -> None:
    key = machines["satu"].host_keys[0]
    change(own, key, machines["dua"].host_keys[0])
    output = own.fail(*UP, own.name)
    assert f"satu ({machines['satu'].address}, port 22) shows SHA256:" in output
    assert "nothing was sent to it" in output
    assert f"next: ssh-keyscan -p 22 {machines['satu'].address}" in output


def test_a_machine_that_is_away_is_not_adopted(shelf: LabStack, own: LabStack, machines: Machines) -> None:
    nobody = network_plan(shelf.network, 1).network[99]
    change(own, f"address: {machines['dua'].address}", f"address: {nobody}")
    output = own.fail(*UP, own.name)
    assert f"dua ({nobody}, port 22) does not answer ssh (No route to host)" in output
    assert f"next: ssh -i .secrets/operator -p 22 deploy@{nobody}" in output


def test_a_machine_with_another_system_or_without_what_its_role_needs_is_not_adopted(
    shelf: LabStack, own: LabStack, machines: Machines
) -> None:
    root = shelf.disk(machines["satu"]).root
    (root / "etc/os-release").unlink()
    (root / "etc/os-release").write_text('ID=ubuntu\nVERSION_ID="22.04"\n')
    output = own.fail(*UP, own.name)
    assert f"satu ({machines['satu'].address}, port 22) runs ubuntu 22.04, expected debian 12" in output
    (root / "etc/os-release").unlink()
    (root / "etc/os-release").symlink_to("../usr/lib/os-release")
    (root / "usr/sbin/nginx").rename(root / "usr/sbin/nginx.away")
    output = own.fail(*UP, own.name)
    assert "lacks nginx, expected for its role app" in output
    assert f"deploy@{machines['satu'].address} sudo apt-get install --yes nginx-light" in output
    (root / "usr/sbin/nginx.away").rename(root / "usr/sbin/nginx")
    own.pulumi_up()


def test_a_certificate_for_another_name_stops_everything_before_anything_is_made(own: LabStack) -> None:
    change(own, f"server_name: {SERVER_NAME}", "server_name: lain.uji.test")
    result = own.run("pulumi", "preview", "-s", own.name)
    assert result.code != 0
    assert "edge.crt is for hasil.uji.test, expected tegak:server_name lain.uji.test" in result.output
    assert "Traceback" not in result.output


def test_an_adopted_machine_that_is_away_later_is_said_and_stops_no_other_change(
    shelf: LabStack, own: LabStack, machines: Machines
) -> None:
    own.pulumi_up()
    on_host(own, "satu", "systemctl", "stop", "ssh.service")  # refused at once; what is silent has a test above
    try:
        away = f"warning: satu ({machines['satu'].address}, port 22) does not answer ssh (Connection refused)"
        assert away in own.succeed("pulumi", "refresh", "--yes", "--skip-preview", "-s", own.name)
        change(own, "soak_seconds: 0", "soak_seconds: 1")
        assert away in own.pulumi_up()
        assert own.inventory().rollout.soak_seconds == 1
        assert "satu" in {host.name for host in own.inventory().hosts}
        with pytest.raises(OperatorError) as caught:
            on_host(own, "satu", "true")
        assert str(caught.value.next_command).startswith(f"ssh -p 22 deploy@{machines['satu'].address} ")
        gateway = network_plan(shelf.network, 1).gateway.ip
        change(own, f"address: {machines['satu'].address}", f"address: {gateway}")
        assert f"satu ({gateway}, port 22) does not answer ssh (Connection refused)" in own.fail(*UP, own.name)
    finally:
        shelf.cut_power(machines["satu"])
        shelf.pulumi_up()


def test_machines_one_owns_and_a_lab_are_one_stack(machines: Machines) -> None:
    lab = f"  tegak:network: {NETWORK}\n"
    here = "    - {name: cadangan, kind: lab, network: 1, app_hosts: 1}\n"
    with ExitStack() as cleared:
        mixed = cleared.enter_context(lab_stack("campur", COMMON + lab + adopting(machines, "tepi") + here))
        mixed.succeed("fab", "up", "--stack", mixed.name, "--source", SMALL)
        inventory = mixed.inventory()
        assert {location.name: location.kind for location in inventory.locations} == {
            "kementerian": "hosts",
            "cadangan": "lab",
        }
        fleet = mixed.fleet()
        assert observe(fleet).locations == {"kementerian": "up", "cadangan": "up"}
        fleet.close()
        mixed.fab("deploy", "--release", mixed.build("2.0.2"))
        mixed.fab("drain-location", "cadangan", "--reason", "uji")
        assert "Data per <time datetime=" in ask_edge(mixed)
        mixed.fab("undrain-location", "cadangan", "--reason", "uji")
        mixed.succeed("fab", "down", "--stack", mixed.name)
