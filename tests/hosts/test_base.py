"""What is true of every host."""

import re
import time

import pytest

from infra.bridge.inventory import Host, Inventory
from tests.hosts.remote import Remote

PORTS = {"app": {22, 80}, "lb": {22, 80}, "edge": {22, 80, 443}}
CDN_BALANCER_PORTS = {22, 443}
"""Of a load balancer that a CDN asks: without TLS it answers only itself."""

GROUP_PORTS = {80, 443}
"""Of an app host of a group: Session Manager connects from the host itself, and its load balancer asks with TLS."""


ITSELF = {"base": set[int](), "app": set[int](), "lb": set[int](), "edge": {8080, 8081}}
"""Where a host of a role answers itself alone."""

UNITS = {
    "base": {
        "console-getty.service",
        "e2scrub_reap.service",
        "getty@.service",
        "remote-fs.target",
        "ssh.service",
        "systemd-network-generator.service",
        "systemd-networkd-wait-online.service",
        "systemd-networkd.service",
        "systemd-networkd.socket",
        "systemd-pstore.service",
        "systemd-remount-fs.service",
    },
    "app": {"nginx.service", "tegak-check.timer", "tegak-results.service"},
    "lb": {"haproxy.service"},
    "edge": {"haproxy.service", "nginx.service"},
}
"""What starts with a lab host."""

NO_SHELLS = ("/usr/sbin/nologin", "/bin/false", "/bin/sync")
OF_THE_IMAGE = {"lab": set[str](), "hosts": set[str](), "aws": {"admin", "ssm-user"}}
"""Users that AWS's image and agents bring."""

ROOTS = ("sudo", "admin", "wheel", "docker", "lxd", "disk", "shadow")
NO_RULE = "^[[:space:]]*(#[^i]|#$|Defaults|$)|^@includedir /etc/sudoers.d$"
ALL_KEYS = """
for home in $(cut -d: -f6 /etc/passwd | sort -u); do
    grep -sHv '^ *#' "$home"/.ssh/authorized_keys* || true
done
"""
UNPACKED = re.compile(r"^missing .* /usr/share/(man|doc|locale|info|lintian)(/|$)")
"""What small images leave out of every package."""

CLOCK_SECONDS = 2


def test_it_has_its_name_of_the_inventory(any_host: Remote, host_entry: Host) -> None:
    if host_entry.kind != "lab":
        pytest.skip("machines of one's own, and those of a group, have names of their own")
    assert any_host.check_output("hostname") == host_entry.name


def test_it_has_the_host_keys_of_the_inventory(any_host: Remote, host_entry: Host) -> None:
    own = [line.split()[:2] for line in any_host.check_output("cat /etc/ssh/ssh_host_*_key.pub").splitlines()]
    assert all(key.split()[:2] in own for key in host_entry.host_keys)


def test_no_unit_has_failed(any_host: Remote) -> None:
    assert any_host.check_output("systemctl list-units --failed --plain --no-legend") == ""
    assert any_host.run("systemctl is-system-running").stdout.strip() == "running"


@pytest.mark.parametrize("line", ["passwordauthentication no", "kbdinteractiveauthentication no", "permitrootlogin no"])
def test_ssh_asks_for_a_key_and_lets_nobody_in_as_root(any_host: Remote, line: str) -> None:
    assert line in any_host.check_output("sudo sshd -T").splitlines()


def test_ssh_lets_in_only_who_deploys(any_host: Remote, host_entry: Host) -> None:
    lines = any_host.check_output("sudo sshd -T").splitlines()
    assert [line for line in lines if line.startswith("allowusers ")] == [f"allowusers {host_entry.ssh_user}"]


def test_the_operators_key_is_the_only_one_that_lets_anybody_in(
    any_host: Remote, host_entry: Host, operator_key: str
) -> None:
    lines = any_host.check_output("sudo bash -c %s", ALL_KEYS).splitlines()
    home = any_host.check_output(f"getent passwd {host_entry.ssh_user}").split(":")[5]
    found = [line.split(":", 1) for line in lines if line.partition(":")[2].strip()]
    assert [(file, " ".join(line.split()[:2])) for file, line in found] == [
        (f"{home}/.ssh/authorized_keys", operator_key)
    ]
    ways = any_host.check_output("sudo sshd -T").splitlines()
    assert {"authorizedkeyscommand none", "trustedusercakeys none"} <= set(ways)
    assert "authorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2" in ways


def test_nobody_but_those_who_deploy_can_log_in(any_host: Remote, host_entry: Host) -> None:
    users = [line.split(":") for line in any_host.check_output("cat /etc/passwd").splitlines()]
    able = {user[0] for user in users if user[6] not in NO_SHELLS or 1000 <= int(user[2]) < 60000}
    assert able - OF_THE_IMAGE[host_entry.kind] == {"root", host_entry.ssh_user, *host_entry.accounts}
    assert [user[0] for user in users if user[2] == "0"] == ["root"]


def test_nobody_but_those_who_deploy_can_become_root(any_host: Remote, host_entry: Host) -> None:
    who = {"root", host_entry.ssh_user, *host_entry.accounts, *OF_THE_IMAGE[host_entry.kind]}
    rules = any_host.check_output(f"sudo grep -rhvE '{NO_RULE}' /etc/sudoers /etc/sudoers.d").splitlines()
    assert host_entry.ssh_user in {rule.split()[0] for rule in rules}
    assert {rule.split()[0] for rule in rules} <= {*who, "%sudo"}
    groups = [line.split(":") for line in any_host.check_output("cat /etc/group").splitlines()]
    members = {name for group, _, _, listed in groups if group in ROOTS for name in listed.split(",") if name}
    assert members <= who


def test_every_program_is_as_its_package_brought_it(any_host: Remote) -> None:
    different = [line for line in any_host.run("sudo dpkg --verify").stdout.splitlines() if not UNPACKED.search(line)]
    assert [line for line in different if line.split()[1] != "c"] == []
    assert [line for line in different if "/etc/sudoers" in line or "/etc/pam.d/" in line] == []


def test_only_what_its_role_needs_starts_with_it(any_host: Remote, host_entry: Host) -> None:
    if host_entry.kind != "lab":
        pytest.skip("what else starts on machines of one's own, or with an image of AWS, is not said here")
    listed = any_host.check_output("systemctl list-unit-files --state=enabled,enabled-runtime,linked --no-legend")
    wanted = {unit for role in host_entry.roles for unit in UNITS[role]}
    assert {line.split()[0] for line in listed.splitlines()} == wanted


def test_its_clock_is_in_step_with_this_machines(any_host: Remote) -> None:
    started = time.time()
    there = float(any_host.check_output("date +%s.%N"))
    asked_s = time.time() - started
    assert abs(there - started - asked_s / 2) <= CLOCK_SECONDS + asked_s / 2


def test_it_listens_only_where_its_role_needs_it(any_host: Remote, host_entry: Host, inventory: Inventory) -> None:
    public, _ = listening(any_host, "ss -Hltn")
    by_role = {port for role in host_entry.roles if role != "base" for port in PORTS[role]}
    by_role = CDN_BALANCER_PORTS if host_entry in inventory.cdn_balancers else by_role
    assert public == (GROUP_PORTS if host_entry.kind == "aws" else by_role)


def listening(host: Remote, command: str) -> tuple[set[int], set[int]]:
    """The ports that others reach, and those that only the host itself does."""
    addresses = [line.split()[3] for line in host.check_output(command).splitlines()]
    own = [address for address in addresses if address.startswith(("127.", "[::1]"))]
    ports = [{int(each.rpartition(":")[2]) for each in some} for some in (set(addresses) - set(own), own)]
    return ports[0], ports[1]


def test_it_answers_itself_only_where_its_role_needs_it(any_host: Remote, host_entry: Host) -> None:
    if host_entry.kind != "lab":
        pytest.skip("what else answers on machines of one's own, or with an image of AWS, is not said here")
    _, own = listening(any_host, "ss -Hltn")
    assert own == {port for role in host_entry.roles for port in ITSELF[role]}


def test_nobody_is_answered_over_udp(any_host: Remote) -> None:
    public, _ = listening(any_host, "ss -Hlun")
    assert public <= {68, 546}  # asking for an address


def test_the_disk_has_room(any_host: Remote) -> None:
    used = any_host.check_output("df --output=pcent / | tail -1")
    assert int(used.strip(" %")) < 95


def test_no_configuration_waits_to_be_applied(any_host: Remote) -> None:
    assert any_host.check_output("sudo find /var/lib/tegak/pending -type f") == ""
