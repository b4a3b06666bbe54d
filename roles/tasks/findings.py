"""What a host has that nobody asked for: its examination beside the inventory and the files that it should have."""

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from infra.bridge.host_keys import fingerprint
from infra.bridge.inventory import Host, Inventory, Kind, Role
from roles.hosts.examination import Examination, Listening, Tree
from roles.scripts.host_files import HostFile
from roles.scripts.layout import SERVICE

NAMED = 5
"""How many files of a kind are named on a host; the others are counted."""

CONFIGURATION_OF_DAEMONS = (
    "/etc/haproxy/",
    "/etc/nginx/",
    "/etc/pam.d/",
    "/etc/security/",
    "/etc/ssh/",
    "/etc/sudo",
    "/etc/systemd/",
)
"""A package's own configuration may be changed by the machine's owner elsewhere."""

ROLE_UNITS = ("nginx.service", "haproxy.service", SERVICE)
ROLE_PROGRAMS: Mapping[Role, Collection[str]] = {
    "base": ("/usr/sbin/sshd",),
    "app": ("/usr/sbin/nginx",),
    "lb": ("/usr/sbin/haproxy",),
    "edge": ("/usr/sbin/haproxy", "/usr/sbin/nginx"),
}
SYSTEM_PROGRAMS = ("/lib/systemd/", "/usr/lib/systemd/", "/usr/sbin/chronyd")
"""Programs of the system itself that wait for others: its first process, network and time."""

PUBLIC_PORTS: Mapping[Role, Collection[int]] = {"base": (), "app": (80,), "lb": (80,), "edge": (80, 443)}
CDN_BALANCER_PORTS, GROUP_PORTS = (443,), (80, 443)
"""Behind a CDN a load balancer answers with TLS alone; an app host of a group answers its load balancer with both."""

KIND_USERS: Mapping[Kind, Collection[str]] = {"lab": (), "hosts": (), "aws": ("admin", "ssm-user")}
"""Users that the image of a kind brings, and AWS's agents."""

KIND_UNITS: Mapping[Kind, Collection[str]] = {
    "lab": (),
    "hosts": (),
    "aws": ("tegak-host-keys.service", "tegak-start.service"),
}
"""Units that provisioning writes (templates/boot)."""

KIND_PROGRAMS: Mapping[Kind, Collection[str]] = {
    "lab": (),
    "hosts": (),
    "aws": ("/usr/bin/amazon-ssm-agent", "/usr/bin/ssm-agent-worker"),
}
SUDOERS = ("root", "%sudo", "@includedir")
"""Whom Debian's own rules of sudo name; who is in a group is looked at by itself."""

SSHD = (
    ("authorizedkeyscommand", "none"),
    ("authorizedkeysfile", ".ssh/authorized_keys .ssh/authorized_keys2"),
    ("kbdinteractiveauthentication", "no"),
    ("passwordauthentication", "no"),
    ("permitrootlogin", "no"),
    ("trustedusercakeys", "none"),
)


@dataclass(frozen=True)
class Difference:
    """Something that is not as it should be.

    Args:
        text: What is wrong: a sentence that begins with the host.
        next_command: What to type next.
    """

    text: str
    next_command: str

    def __str__(self) -> str:
        return f"{self.text}; next: {self.next_command}"


@dataclass(frozen=True)
class Asked:
    """What is asked of a host.

    Args:
        inventory: The stack's.
        host: The host.
        files: The files that it should have.
        operator_key: Type and text of the only key that lets somebody in.
    """

    inventory: Inventory
    host: Host
    files: Sequence[HostFile]
    operator_key: str

    @property
    def users(self) -> set[str]:
        """Who may log in, and become root."""
        return {"root", self.host.ssh_user, *self.host.accounts, *KIND_USERS[self.host.kind]}

    @property
    def paths(self) -> set[str]:
        """Where its files are."""
        return {str(file.path) for file in self.files}

    @property
    def programs(self) -> set[str]:
        """What may wait for others."""
        return {
            *KIND_PROGRAMS[self.host.kind],
            *ROLE_PROGRAMS["base"],
            *(program for role in self.host.roles for program in ROLE_PROGRAMS[role]),
        }

    @property
    def ports(self) -> set[int]:
        """Where it may be reached from other hosts."""
        if self.host.kind == "aws":
            return set(GROUP_PORTS)
        by_role = {port for role in self.host.roles for port in PUBLIC_PORTS[role]}
        public = CDN_BALANCER_PORTS if self.host in self.inventory.cdn_balancers else by_role
        return {22, self.host.ssh_port, *public}

    @property
    def enabled(self) -> set[str]:
        """The units that its files ask systemd for."""
        words = (action[2:] for file in self.files for action in file.actions if action[:2] == ("systemctl", "enable"))
        return {unit_name(word) for rest in words for word in rest if not word.startswith("-")}


def unit_name(word: str) -> str:
    """A unit's name, as systemd completes it."""
    return word if "." in word else f"{word}.service"


def findings(asked: Asked, found: Examination) -> list[Difference]:
    """Everything on a host that nobody asked for."""
    said = [
        *((f"its {name} could not be looked at ({why})", "fab drift") for name, why in found.unknown.items()),
        *_trees(asked.host, found.trees),
        *_programs(asked, found),
        *_users(asked, found),
        *_logins(asked, found),
        *(sentence for each in found.listening for sentence in _listening(asked, each)),
        *_units(asked, found),
    ]
    return [Difference(f"{asked.host.name}: {text}", command) for text, command in dict.fromkeys(said)]


def _trees(host: Host, trees: Mapping[str, Mapping[str, Tree]]) -> Iterator[tuple[str, str]]:
    command = f"fab discard {host.name} --reason '…'"
    for what, name, tree in ((what, name, tree) for what, named in trees.items() for name, tree in named.items()):
        if tree.unknown:
            yield f"nothing says whether {what} {name} is as it was signed: {tree.unknown}", command
        for file in tree.altered[:NAMED]:
            yield f"{file} of {what} {name} is not as it was signed", command
        if tree.altered_files > NAMED:
            yield f"{tree.altered_files - NAMED} more files of {what} {name} are not as they were signed", command
        for folder in tree.strange[:NAMED]:
            yield f"the folder {folder} of {what} {name} does not hold what was signed", command


def _programs(asked: Asked, found: Examination) -> Iterator[tuple[str, str]]:
    altered = [
        each
        for each in found.altered
        if each.path not in asked.paths and (not each.configuration or each.path.startswith(CONFIGURATION_OF_DAEMONS))
    ]
    for each in altered[:NAMED]:
        how = "is missing, and a package brought it" if each.missing else "is not as its package brought it"
        yield f"{each.path} {how}", f"on it: dpkg -S {shlex.quote(each.path)}, then apt-get install --reinstall"
    if len(altered) > NAMED:
        yield f"{len(altered) - NAMED} more files are not as their packages brought them", "on it: dpkg --verify"


def _users(asked: Asked, found: Examination) -> Iterator[tuple[str, str]]:
    for user in found.accounts:
        if user.name not in asked.users:
            yield f"nobody asked for user {user.name} ({user.uid}, {user.login_shell})", f"on it: deluser {user.name}"
        elif user.uid == 0 and user.name != "root":
            yield f"user {user.name} is root under another name", f"on it: deluser {user.name}"
    for group, name in found.powerful:
        if name not in asked.users:
            yield f"{name} is in the group {group}, and nobody asked for that", f"on it: deluser {name} {group}"
    for file, rule in found.sudo_rules:
        who = rule.split()[0]
        if who not in {*asked.users, *SUDOERS} or (who == "@includedir" and rule != "@includedir /etc/sudoers.d"):
            yield f"{file} lets {who} become somebody else", f"on it: visudo -f {file}"


def _logins(asked: Asked, found: Examination) -> Iterator[tuple[str, str]]:
    for user, file, line in found.keys:
        kind, text = _key_in(line)
        if (user, f"{kind} {text}") != (asked.host.ssh_user, asked.operator_key):
            yield f"a key that nobody asked for ({_mark(kind, text)}) lets in {user}, {file}", f"on it: editor {file}"
    expected = {*SSHD, ("allowusers", asked.host.ssh_user)}
    said = set(found.sshd)
    for name, value in sorted(said - expected):
        yield f"its sshd has {name} {value}", f"on it: grep -ri {name} /etc/ssh"
    for name, value in sorted(expected - said) if said else ():
        if name not in {other for other, _ in said - expected}:
            yield f"its sshd lacks {name} {value}", "fab configure"


def _key_in(line: str) -> tuple[str, str]:
    """Type and text of a key in a line that may begin with options."""
    words = line.split()
    at = next((number for number, word in enumerate(words) if word.startswith("AAAA") and number), None)
    return (words[at - 1], words[at]) if at is not None else ("", "")


def _mark(kind: str, text: str) -> str:
    try:
        return fingerprint(f"{kind} {text}")
    except (IndexError, ValueError):
        return "of an unknown form"


def _listening(asked: Asked, each: Listening) -> Iterator[tuple[str, str]]:
    address = ip_address(each.address)
    where = f"{each.protocol} {f'[{address}]' if isinstance(address, IPv6Address) else address}:{each.port}"
    command = "on it: ss -Htulpn"
    programs = [program.removesuffix(" (deleted)") for program in each.programs]
    foreign = [name for name in programs if name not in asked.programs and not name.startswith(SYSTEM_PROGRAMS)]
    if foreign or not programs:
        yield f"{', '.join(foreign) or 'the kernel'} listens on {where}, and nobody asked for that", command
    elif each.protocol == "tcp" and not address.is_loopback and each.port not in asked.ports:
        yield f"{', '.join(programs)} listens on {where}, where its role is not reached", command
    for program in each.programs:
        if program.endswith(" (deleted)"):
            yield f"{program.removesuffix(' (deleted)')} was replaced while it runs", "on it: dpkg --verify"


def _units(asked: Asked, found: Examination) -> Iterator[tuple[str, str]]:
    own = KIND_UNITS[asked.host.kind]
    for path, target in found.units.foreign:
        name = target.rpartition("/")[2]
        if not {path, target} & asked.paths and name not in own:
            yield f"{path} belongs to no package, no release and not to the base", f"on it: systemctl cat {name}"
    by_hand = {*found.units.by_hand, *(unit for unit in ROLE_UNITS if unit in found.units.enabled)} - asked.enabled
    for name in sorted(by_hand):
        yield f"{name} starts with it, and nobody asked for that", f"on it: systemctl disable --now {name}"


def disagreements(examined: Mapping[str, Examination]) -> list[Difference]:
    """Packages of one version of which dpkg believes different things: on the fewer hosts somebody changed that.

    Whoever replaces a program can make dpkg believe that it was always so; not on all hosts with one step.
    """
    believed: dict[str, dict[str, list[str]]] = {}
    for host, found in examined.items():
        for package, digest in found.packages.items():
            believed.setdefault(package, {}).setdefault(digest, []).append(host)
    result: list[Difference] = []
    for package, hosts in believed.items():
        sizes = sorted(len(names) for names in hosts.values())
        few = [] if len(hosts) == 1 else [n for n in hosts.values() if len(n) < sizes[-1] or sizes[-1] == sizes[-2]]
        for name in sorted(name for names in few for name in names):
            text = f"{name}: dpkg does not believe of {' '.join(package.split()[:2])} what it does on other hosts"
            result.append(Difference(text, f"on it: apt-get install --reinstall {package.split()[0]}"))
    return result
