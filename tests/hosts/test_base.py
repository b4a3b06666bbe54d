"""What is true of every host."""

import pytest

from infra.bridge.inventory import Host, Inventory
from tests.hosts.remote import Remote

PORTS = {"app": {22, 80}, "lb": {22, 80}, "edge": {22, 80, 443}}
CDN_BALANCER_PORTS = {22, 443}
"""Of a load balancer that a CDN asks: without TLS it answers only itself."""

GROUP_PORTS = {80, 443}
"""Of an app host of a group: Session Manager connects from the host itself, and its load balancer asks with TLS."""


def test_it_is_the_host_that_the_inventory_means(any_host: Remote, host_entry: Host) -> None:
    if host_entry.kind == "lab":  # machines of one's own, and those of a group, have names of their own
        assert any_host.check_output("hostname") == host_entry.name
    own = [line.split()[:2] for line in any_host.check_output("cat /etc/ssh/ssh_host_*_key.pub").splitlines()]
    assert all(key.split()[:2] in own for key in host_entry.host_keys)


def test_no_unit_has_failed(any_host: Remote) -> None:
    assert any_host.check_output("systemctl list-units --failed --plain --no-legend") == ""
    assert any_host.run("systemctl is-system-running").stdout.strip() == "running"


@pytest.mark.parametrize("line", ["passwordauthentication no", "kbdinteractiveauthentication no", "permitrootlogin no"])
def test_ssh_lets_in_only_the_operators_key(any_host: Remote, line: str) -> None:
    assert line in any_host.check_output("sudo sshd -T").splitlines()


def test_ssh_lets_in_only_who_deploys(any_host: Remote, host_entry: Host) -> None:
    lines = any_host.check_output("sudo sshd -T").splitlines()
    assert [line for line in lines if line.startswith("allowusers ")] == [f"allowusers {host_entry.ssh_user}"]


def test_it_listens_only_where_its_role_needs_it(any_host: Remote, host_entry: Host, inventory: Inventory) -> None:
    listening = any_host.check_output("ss -Hltn").splitlines()
    addresses = [line.split()[3] for line in listening]
    public = {int(address.rpartition(":")[2]) for address in addresses if not address.startswith(("127.", "[::1]"))}
    by_role = {port for role in host_entry.roles if role != "base" for port in PORTS[role]}
    by_role = CDN_BALANCER_PORTS if host_entry in inventory.cdn_balancers else by_role
    assert public == (GROUP_PORTS if host_entry.kind == "aws" else by_role)


def test_the_disk_has_room(any_host: Remote) -> None:
    used = any_host.check_output("df --output=pcent / | tail -1")
    assert int(used.strip(" %")) < 95


def test_no_configuration_waits_to_be_applied(any_host: Remote) -> None:
    assert any_host.check_output("sudo find /var/lib/tegak/pending -type f") == ""
