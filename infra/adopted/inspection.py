"""Looking at a machine that one owns: over ssh, with its pinned keys and no others. Nothing is changed on it."""

import re
import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from infra.bridge.errors import OperatorError
from infra.bridge.host_keys import fingerprint, known_name
from infra.bridge.ssh import path_word, private_half

PROJECT_DIRECTORY = Path(__file__).resolve().parents[2]
CONNECT_TIMEOUT_SECONDS = 8
TIMEOUT_SECONDS = 20
SSH_FAILED = 255
"""What ssh ends with when there was no connection; anything else is the command's own."""

WANTED_OS = "debian 12"
"""What the templates are written for; releases are built for its Python."""

PROGRAMS: Mapping[str, Mapping[str, str]] = {
    "app": {
        "nginx": "nginx-light",
        "/usr/lib/nginx/modules/ngx_http_lua_module.so": "libnginx-mod-http-lua",
        "python3": "python3",
        "/usr/lib/python3/dist-packages/httptools": "python3-httptools",
        "curl": "curl",
        "ssh-keygen": "openssh-client",
    },
    "lb": {"haproxy": "haproxy", "socat": "socat", "python3": "python3", "curl": "curl", "openssl": "openssl"},
    "edge": {
        "haproxy": "haproxy",
        "nginx": "nginx-light",
        "/usr/lib/nginx/modules/ngx_http_lua_module.so": "libnginx-mod-http-lua",
        "socat": "socat",
        "python3": "python3",
        "curl": "curl",
        "openssl": "openssl",
    },
}
"""What a role's templates and scripts call or load, and the Debian package that has it."""

FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


@dataclass(frozen=True)
class MachineFacts:
    """What a machine is.

    Args:
        system: Its operating system, such as `debian 12`.
        architecture: Such as `x86_64`.
    """

    system: str
    architecture: str


@dataclass(frozen=True)
class OwnMachine:
    """A machine, as the settings describe it.

    Args:
        name: What it is called here.
        role: What it is to become.
        address: Where ssh reaches it.
        ssh_port: TCP port of its ssh.
        ssh_user: Who logs in.
        host_keys: Its public ssh keys.
        key_file: The operators' public key, a path from the project's folder; the private one is beside it.
    """

    name: str
    role: str
    address: str
    ssh_port: int
    ssh_user: str
    host_keys: Sequence[str]
    key_file: str

    @classmethod
    def from_properties(cls, props: dict[str, Any]) -> "OwnMachine":
        """Read a resource's inputs."""
        texts = {key: str(props[key]) for key in ("name", "role", "address", "ssh_user", "key_file")}
        return cls(**texts, ssh_port=int(props["ssh_port"]), host_keys=tuple(props["host_keys"]))

    @property
    def where(self) -> str:
        """Its name and where it was looked for, for a sentence."""
        return f"{self.name} ({self.address}, port {self.ssh_port})"

    @property
    def login(self) -> str:
        """What an operator types to look at it."""
        return f"ssh -i {private_half(self.key_file)} -p {self.ssh_port} {self.ssh_user}@{self.address}"


def inspect(machine: OwnMachine) -> MachineFacts:
    """Look at a machine.

    Raises:
        OperatorError: It doesn't answer, is another one, or is not fit for its role: a sentence that names it, and what
            was expected.
    """
    with tempfile.TemporaryDirectory(prefix="tegak-") as directory:
        known_hosts = Path(directory) / "known_hosts"
        name = known_name(machine.address, machine.ssh_port)
        known_hosts.write_text("".join(f"{name} {key}\n" for key in machine.host_keys), encoding="ascii")
        result = _ask(machine, known_hosts)
    if result.returncode == SSH_FAILED:
        _raise_for_connection(machine, result.stderr)
    return _judge(machine, result.stdout)


def _ask(machine: OwnMachine, known_hosts: Path) -> subprocess.CompletedProcess[str]:
    private_key = PROJECT_DIRECTORY / private_half(machine.key_file)
    options = {
        "IdentityFile": path_word(private_key),
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": path_word(known_hosts),
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "BatchMode": "yes",
        "ConnectTimeout": CONNECT_TIMEOUT_SECONDS,
    }
    argv = ["ssh", "-F", "/dev/null", *(f"-o{key}={value}" for key, value in options.items())]
    argv += ["-p", str(machine.ssh_port), f"{machine.ssh_user}@{machine.address}", _question(machine.role)]
    try:
        return subprocess.run(
            argv, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise OperatorError(
            f"{machine.where} let us in, and then said nothing for {TIMEOUT_SECONDS} s", next_command=machine.login
        ) from error
    except FileNotFoundError as error:
        raise OperatorError("this machine has no ssh client", next_command="apt-get install openssh-client") from error


def _question(role: str) -> str:
    """A command that prints what the machine is, a line for each thing."""
    lines = [
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        '. /etc/os-release; echo "system $ID $VERSION_ID"',
        'echo "architecture $(uname -m)"',
        'echo "first-process $(cat /proc/1/comm)"',
        "sudo -n true && echo sudo yes",
        f"for word in {shlex.join(PROGRAMS[role])}; do",
        '[ -e "$word" ] || command -v "$word" > /dev/null || echo "lacks $word"',
        "done",
    ]
    text = "\n".join(lines)
    return f"sh -c {shlex.quote(text)}"


def _judge(machine: OwnMachine, printed: str) -> MachineFacts:
    said = [line.partition(" ") for line in printed.splitlines()]
    found = {key: value for key, _, value in said}
    system = found.get("system", "an unknown system")
    if system != WANTED_OS:
        raise OperatorError(
            f"{machine.where} runs {system}, expected {WANTED_OS}; nothing was changed",
            next_command=f"{machine.login} cat /etc/os-release",
        )
    if found.get("first-process") != "systemd":
        raise OperatorError(
            f"{machine.where} was started by {found.get('first-process')}, expected systemd; nothing was changed",
            next_command=f"{machine.login} ps -p 1",
        )
    if found.get("sudo") != "yes":
        raise OperatorError(
            f"{machine.where}: {machine.ssh_user} may not call sudo there, expected to without a password",
            next_command=f"{machine.login} sudo -l",
        )
    lacking = [value for key, _, value in said if key == "lacks"]
    if lacking:
        packages = sorted({PROGRAMS[machine.role][word] for word in lacking})
        raise OperatorError(
            f"{machine.where} lacks {', '.join(lacking)}, expected for its role {machine.role}; nothing was changed",
            next_command=f"{machine.login} sudo apt-get install --yes {' '.join(packages)}",
        )
    return MachineFacts(system, found.get("architecture", "unknown"))


def _raise_for_connection(machine: OwnMachine, said: str) -> NoReturn:
    if "host key" in said.lower():
        shown = next((mark for mark in FINGERPRINT.findall(said)), "another host key")
        pinned = ", ".join(fingerprint(key) for key in machine.host_keys)
        raise OperatorError(
            f"{machine.where} shows {shown}, expected {pinned}; nothing was sent to it",
            next_command=f"ssh-keyscan -p {machine.ssh_port} {machine.address}   # compare on the machine's console, "
            "then change host_keys",
        )
    if "Permission denied" in said:
        raise OperatorError(
            f"{machine.where} refuses the operators' key for {machine.ssh_user}, expected to be let in",
            next_command=f"ssh-copy-id -f -i {machine.key_file} -p {machine.ssh_port} "
            f"{machine.ssh_user}@{machine.address}",
        )
    last = (said.strip().splitlines() or ["no message"])[-1].rstrip(".\r").rpartition(": ")[2]
    raise OperatorError(
        f"{machine.where} does not answer ssh ({last}), expected a running machine",
        next_command=machine.login,
    )
