"""Lab hosts as the instances of a group in AWS."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from infra.bridge.inventory import Host
from infra.lab.machine import first_process
from roles.scripts.quoting import script
from tests.program import session_manager
from tests.stands.lab import PROJECT, LabStack

CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=uji"
    " -keyout /etc/tegak/tls/host.key -out /etc/tegak/tls/host.crt"
)
AS_BOOTED = (
    "install -d -m 0755 /etc/tegak/tls",
    f"(umask 077 && {CERTIFICATE} 2> /dev/null)",
    "printf 'ListenAddress 127.0.0.1\\nListenAddress ::1\\n' > /etc/ssh/sshd_config.d/20-session-manager.conf",
    "sh -s /dev/console",  # what prints the host's keys
    "systemctl restart ssh.service",
)


def boot_as_instances(shelf: LabStack, machines: Iterable[Host]) -> None:
    """Leave the machines as the group's boot script leaves its hosts: templates/boot."""
    boot = (PROJECT / "templates/boot/user-data.sh.j2").read_text(encoding="utf-8")
    (keys,) = re.findall(r"^cat > \S+/tegak-host-keys <<'SHELL'\n(.*?)^SHELL$", boot, re.MULTILINE | re.DOTALL)
    fleet = shelf.fleet()
    for machine in machines:
        fleet[machine].run("test", script(*AS_BOOTED), str(keys).encode())
    fleet.close()


def process_of(shelf: LabStack, machine: Host) -> int:
    """The machine's own process 1, as this machine counts."""
    pid = first_process(shelf.disk(machine))
    assert pid, f"{machine.name} is not up"
    return pid


def stand_in_for_session_manager(stack: LabStack) -> Path:
    """Put a program `aws` on the stack's PATH; the file that says which instances it reaches, and how."""
    connected = stack.directory / "connected.json"
    program = stack.directory / "bin/aws"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {session_manager.__file__} {connected} "$@"\n')
    program.chmod(0o755)
    stack.environment["PATH"] = f"{program.parent}:{stack.environment['PATH']}"
    return connected
