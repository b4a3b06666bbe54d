"""Verifying hosts: the testinfra suite of tests/hosts/, run against a stack's inventory."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from infra.bridge.errors import OperatorError
from infra.bridge.files import write_whole
from infra.bridge.host_keys import known_name
from infra.bridge.inventory import Inventory
from infra.bridge.ssh import path_word
from roles.output import run_shown
from roles.stack.checkout import Checkout

WORKERS = 4
"""Measured on 2 cores, 6 hosts: 16.2 s with one worker, 7.7 s with four."""


def write_access(checkout: Checkout, inventory: Inventory) -> None:
    """Write what testinfra needs to reach the hosts: the inventory, pinned host keys, and an ssh configuration.

    The ssh configuration lets all workers share one connection a host.
    """
    directory = checkout.stack_cache
    write_whole(directory / "inventory.json", inventory.model_dump_json(by_alias=True).encode())
    known = [
        f"{known_name(str(host.address), host.ssh_port)} {key}" for host in inventory.hosts for key in host.host_keys
    ]
    write_whole(directory / "known_hosts", "\n".join([*known, ""]).encode())
    lines = [
        "Host *",
        f"  IdentityFile {path_word(checkout.project / inventory.operator_key.private)}",
        "  IdentitiesOnly yes",
        f"  UserKnownHostsFile {path_word(directory / 'known_hosts')}",
        "  GlobalKnownHostsFile /dev/null",
        "  StrictHostKeyChecking yes",
        "  BatchMode yes",
        "  ConnectTimeout 8",
        "  ControlMaster auto",
        # Not in the checkout: a socket's path must stay under 108 bytes.
        "  ControlPath /tmp/tegak-%i-%C",
        "  ControlPersist 20",
        "",
    ]
    for host in inventory.hosts:
        lines += [
            f"Host {host.name}",
            f"  HostName {host.address}",
            f"  Port {host.ssh_port}",
            f"  User {host.ssh_user}",
        ]
        if host.ssh_proxy:
            lines.append(f"  ProxyCommand {shlex.join(host.ssh_proxy).replace('%', '%%')}")
    write_whole(directory / "ssh_config", os.fsencode("\n".join([*lines, ""])))


def verify(checkout: Checkout, inventory: Inventory) -> None:
    """Run the suite.

    Args:
        checkout: Where the suite is.
        inventory: The hosts.

    Raises:
        OperatorError: A check failed, or there was nothing to check.
    """
    write_access(checkout, inventory)
    directory = checkout.stack_cache
    argv = [
        sys.executable,
        "-m",
        "pytest",
        str(checkout.project / "tests/hosts"),
        "-n",
        str(WORKERS),
        "-p",
        "no:cacheprovider",
    ]
    # From where the suite runs: testinfra can't be told the checkout's path, if letters of other languages are in it.
    inside = directory.relative_to(checkout.project)
    argv += [f"--inventory={inside / 'inventory.json'}", f"--ssh-config={inside / 'ssh_config'}"]
    argv += [
        f"--operator-key={checkout.project / inventory.operator_key.file}",
        f"--release-key={checkout.release_key}.pub",
    ]
    argv += ["-q", "--no-header", "--tb=short"]
    environment = {**os.environ, "PATH": f"{checkout.project / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"}
    try:
        code = run_shown(argv, checkout.project, environment)
    finally:
        _close_shared_connections(directory / "ssh_config", inventory)
    if code != 0:
        raise OperatorError(
            f"the hosts of stack '{checkout.stack}' are not as they should be; nothing was changed",
            next_command="fab status, then fab configure",
        )


def _close_shared_connections(ssh_config: Path, inventory: Inventory) -> None:
    for host in inventory.hosts:
        subprocess.run(["ssh", "-F", str(ssh_config), "-O", "exit", host.name], capture_output=True, check=False)
