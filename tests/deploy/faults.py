"""Faults of hosts, each gone when its block is left."""

import contextlib
import subprocess
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager

from infra.bridge.inventory import Host
from infra.lab.machine import machine_name_file
from roles.scripts.quoting import command, script
from tests.deploy.test_rollout import host_named
from tests.stands.lab import LabStack


@contextmanager
def packets_dropped(stack: LabStack, host: Host) -> Generator[None, None, None]:
    """Nothing reaches the host any more, and nothing says so."""
    link = f"vb-{machine_name_file(stack.disk(host)).read_text(encoding='ascii')}"
    subprocess.run(["ip", "link", "set", link, "down"], check=True)
    try:
        yield
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            subprocess.run(["ip", "link", "set", link, "up"], check=True)


@contextmanager
def on_host_until_left(stack: LabStack, name: str, do: str, undo: str) -> Generator[None, None, None]:
    """Run a line on a host, and another one when the block is left."""
    fleet = stack.fleet()
    remote = fleet[host_named(stack, name)]
    remote.run("test", script(do))
    try:
        yield
    finally:
        remote.run("test", script(undo))
        fleet.close()


def refusing(stack: LabStack, name: str, release: str) -> AbstractContextManager[None]:
    """A host's service does not start with a release, and starts with any other."""
    drop_in = "/run/systemd/system/tegak-results.service.d/uji.conf"
    lines = f"[Service]\nExecStartPre=/bin/sh -c '! readlink /srv/tegak/current | grep -qF {release}'\n"
    place = f"mkdir -p {drop_in.rpartition('/')[0]} && {command('printf', lines)} > {drop_in}"
    reload = "systemctl daemon-reload"
    return on_host_until_left(stack, name, f"{place} && {reload}", f"rm {drop_in} && {reload}")
