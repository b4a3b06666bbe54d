"""Runs on a host, with its own Python and nothing else: prints as JSON what nobody may have changed there.

Standard input: {"root", "trees": [what `examine_tree` is asked, and which folders it is asked of]}. See
`roles.hosts.examination`, which is what reads it. It writes nothing, and takes no program's word for what it can read
itself. Whoever is root on the host can make it say anything: what hosts of one kind say is compared with each other.
"""

import hashlib
import json
import os
import re
import socket
import struct
import subprocess
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # on the host it stands before this program (see `roles.scripts.examination`)
    from collections.abc import Callable, Iterator
    from typing import Any

    from roles.on_host.signed_tree import COMPLETE, examine_tree  # noqa: TC004

NO_LOGIN = ("/usr/sbin/nologin", "/sbin/nologin", "/bin/false", "/usr/bin/false", "/bin/sync")
PEOPLE = range(1000, 60000)
"""Users that Debian makes for people (Debian policy, 9.2.2)."""

AS_GOOD_AS_ROOT = ("root", "sudo", "admin", "wheel", "docker", "lxd", "disk", "shadow")
KEY_FILES = (".ssh/authorized_keys", ".ssh/authorized_keys2")
NOT_UNPACKED = ("/usr/share/man/", "/usr/share/doc/", "/usr/share/locale/", "/usr/share/info/", "/usr/share/lintian/")
"""What small images leave out of every package."""

UNIT_FOLDERS = ("etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system")
ENABLED_BY_PACKAGES = "var/lib/systemd/deb-systemd-helper-enabled"
DPKG_VERIFY = re.compile(r"^(missing|\S{9})\s+(c )?\s*(/.*?)(?: \(.*\))?$", re.MULTILINE)
SSHD = (
    "allowusers ",
    "authorizedkeyscommand ",
    "authorizedkeysfile ",
    "kbdinteractiveauthentication ",
    "passwordauthentication ",
    "permitrootlogin ",
    "trustedusercakeys ",
)
LISTENS = {"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"}
"""The state of a socket that waits for others, by the file of /proc/net that lists it (include/net/tcp_states.h)."""


def lines_of(path: str) -> "list[str]":
    """The lines of a file that are no comment; none if there is no such file."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8", errors="replace") as opened:
        return [line.strip() for line in opened if line.strip() and not re.match(r"\s*#(?!include)", line)]


def passwd(root: str) -> "list[list[str]]":
    """The fields of each user."""
    return [line.split(":") for line in lines_of(f"{root}/etc/passwd")]


def accounts(root: str) -> "list[dict[str, Any]]":
    """Who might log in: people, users with a shell, and those who are root under another name."""
    found = ({"name": name, "uid": int(uid), "login_shell": shell} for name, _, uid, _, _, _, shell in passwd(root))
    return [each for each in found if each["uid"] == 0 or each["uid"] in PEOPLE or each["login_shell"] not in NO_LOGIN]


def powerful(root: str) -> "list[list[str]]":
    """Who is in a group whose members can become root."""
    found: list[list[str]] = []
    for line in lines_of(f"{root}/etc/group"):
        name, _, gid, members = line.split(":")
        if name in AS_GOOD_AS_ROOT:
            primary = [user[0] for user in passwd(root) if user[3] == gid]
            found += [[name, who] for who in dict.fromkeys([*members.split(","), *primary]) if who]
    return found


def sudo_rules(root: str) -> "list[list[str]]":
    """Each rule of sudo with its file."""
    folder = f"{root}/etc/sudoers.d"
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    # sudo reads no other ones (sudoers(5)).
    files = ["/etc/sudoers", *(f"/etc/sudoers.d/{name}" for name in names if "." not in name and name[-1] != "~")]
    rules = ((file, line) for file in files for line in lines_of(f"{root}{file}"))
    return [[file, line] for file, line in rules if not line.startswith("Defaults")]


def keys(root: str) -> "list[list[str]]":
    """Each key that lets somebody in: user, file, and its line."""
    homes = {user[5]: user[0] for user in reversed(passwd(root))}
    files = ((who, os.path.join(home, file)) for home, who in homes.items() for file in KEY_FILES)
    return [[who, file, line] for who, file in files for line in lines_of(f"{root}{file}")]


def sshd() -> "list[list[str]]":
    """What sshd makes of the part of its configuration that says who is let in: each setting as often as it is said."""
    return [line.split(" ", 1) for line in output_of("sshd", "-T").splitlines() if line.startswith(SSHD)]


def address_of(text: str) -> str:
    """An address of /proc/net: words of 32 bits in the host's own order."""
    words = [int(text[start : start + 8], 16) for start in range(0, len(text), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return socket.inet_ntop(family, b"".join(struct.pack("=I", word) for word in words))


def holders(root: str) -> "dict[str, set[str]]":
    """The programs that hold each socket, by its number."""
    found: dict[str, set[str]] = {}
    for process in filter(str.isdigit, os.listdir(f"{root}/proc")):
        folder = f"{root}/proc/{process}"
        try:
            program, opened = os.readlink(f"{folder}/exe"), os.listdir(f"{folder}/fd")
        except OSError:  # it has ended, or is the kernel's own
            continue
        for number in opened:
            try:
                held = os.readlink(f"{folder}/fd/{number}")
            except OSError:
                continue
            if held.startswith("socket:["):
                found.setdefault(held[8:-1], set()).add(program)
    return found


def listening(root: str) -> "list[dict[str, Any]]":
    """Every socket that waits for others, with the programs that hold it."""
    held, found = holders(root), list["dict[str, Any]"]()
    for protocol, state in LISTENS.items():
        for line in lines_of(f"{root}/proc/net/{protocol}")[1:]:
            fields = line.split()
            address, _, port = fields[1].partition(":")
            if fields[3] == state:
                programs = sorted(held.get(fields[9], ()))
                where = {"protocol": protocol[:3], "address": address_of(address), "port": int(port, 16)}
                found.append({**where, "programs": programs})
    return found


def packaged_units(root: str) -> "set[str]":
    """Where packages have files of systemd, without the /usr that is the same folder."""
    folder = f"{root}/var/lib/dpkg/info"
    lists = (f"{folder}/{name}" for name in os.listdir(folder) if name.endswith(".list"))
    return {line.removeprefix("/usr") for file in lists for line in lines_of(file) if "/systemd/system/" in line}


def unit_files(root: str) -> "Iterator[tuple[str, str]]":
    """Each file of systemd with what it links to; itself where it is no link."""
    for top in UNIT_FOLDERS:
        for folder, _, names in os.walk(f"{root}/{top}"):
            for name in names:
                path = os.path.join(folder, name)
                target = os.path.join(folder, os.readlink(path)) if os.path.islink(path) else path
                yield path.removeprefix(root), os.path.normpath(target.removeprefix(root))


def units(root: str) -> "dict[str, Any]":
    """Files of systemd that no package has; which units are wanted at boot, and which of them by no package."""
    packaged, foreign, enabled, by_hand = packaged_units(root), list["list[str]"](), set[str](), list[str]()
    for path, target in unit_files(root):
        if target != "/dev/null" and not {target.removeprefix("/usr"), path.removeprefix("/usr")} & packaged:
            foreign.append([path, target])
        folder, name = os.path.split(path)
        if path.startswith("/etc/") and folder.endswith((".wants", ".requires")):
            enabled.add(name)
            noted = f"{root}/{ENABLED_BY_PACKAGES}"
            known, asked = f"{noted}/{name}.dsh-also", f"{noted}/{os.path.basename(folder)}/{name}"
            if os.path.exists(known) and not os.path.exists(asked):
                by_hand.append(name)
    return {"foreign": sorted(foreign), "enabled": sorted(enabled), "by_hand": sorted(by_hand)}


def altered(root: str) -> "list[dict[str, Any]]":
    """The files that are not as their package brought them."""
    printed = output_of("dpkg", *([f"--root={root}"] if root else []), "--verify")
    found = ((mark == "missing", bool(conf), path) for mark, conf, path in DPKG_VERIFY.findall(printed))
    return [
        {"path": path, "configuration": conf, "missing": missing}
        for missing, conf, path in found
        if not (missing and f"{path}/".startswith(NOT_UNPACKED))
    ]


def packages(root: str) -> "dict[str, str]":
    """What dpkg believes of each package's files: a digest, by name, version and architecture."""
    folder = f"{root}/var/lib/dpkg"
    notes: dict[str, list[str]] = {}
    for file in sorted(os.listdir(f"{folder}/info")):
        if file.endswith((".list", ".md5sums")):
            notes.setdefault(file.rpartition(".")[0].split(":")[0], []).append(file)
    found, name, architecture = dict[str, str](), "", ""
    for line in lines_of(f"{folder}/status"):
        key, _, value = line.partition(": ")
        name = value if key == "Package" else name
        architecture = value if key == "Architecture" else architecture
        if key == "Version":
            digest = hashlib.sha256()
            for file in notes.get(name, ()):
                digest.update(b"".join(f"{each}\n".encode() for each in lines_of(f"{folder}/info/{file}")))
            found[f"{name} {value} {architecture}"] = digest.hexdigest()[:16]
    return found


def output_of(*argv: str) -> str:
    """What a command prints; systems differ in where it is."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0 and not done.stdout:
        raise OSError(f"{argv[0]} failed: {done.stderr.strip() or done.returncode}")
    return done.stdout


def trees(root: str, asked: "dict[str, Any]") -> "dict[str, dict[str, Any]]":
    """What differs in each directory of a kind, by its name; where only the one in use is asked for, in that one."""
    folder, link = f"{root}{asked['folder']}", asked["current"]
    if link is not None:
        names = [os.path.basename(os.path.realpath(f"{root}{link}"))] if os.path.isdir(f"{root}{link}") else []
    else:
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    whole = [name for name in names if os.path.exists(f"{folder}/{name}/{COMPLETE}")]
    return {name: examine_tree(f"{folder}/{name}", asked) for name in whole}


def main() -> None:
    """Print what is there, and what could not be looked at."""
    asked = json.load(sys.stdin)
    root = asked["root"]
    parts: dict[str, Callable[[], Any]] = {
        "accounts": lambda: accounts(root),
        "powerful": lambda: powerful(root),
        "sudo_rules": lambda: sudo_rules(root),
        "keys": lambda: keys(root),
        "sshd": sshd,
        "listening": lambda: listening(root),
        "units": lambda: units(root),
        "altered": lambda: altered(root),
        "packages": lambda: packages(root),
        "trees": lambda: {each["what"]: trees(root, each) for each in asked["trees"]},
    }
    document: dict[str, Any] = {"unknown": {}}
    for name, look in parts.items():
        try:
            document[name] = look()
        except (OSError, ValueError, IndexError) as error:
            document["unknown"][name] = " ".join(str(error).split())
    sys.stdout.write(json.dumps(document))


main()
