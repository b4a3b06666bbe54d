"""A lab host as a whole: what provisioning puts on its disk, then its boot."""

import hashlib
import time
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import Any, NoReturn

from infra.bridge.errors import OperatorError
from infra.bridge.files import make_directory
from infra.lab import bridge, pki
from infra.lab.disk import DEPLOY_UID, Disk, SeedFile
from infra.lab.machine import Machine, end, greets, port_of, runs, shows_key
from infra.lab.paths import host_directory, stack_directory

MINIMUM_FREE_BYTES = 1024**3
PATIENCE_SECONDS = 10
"""How long a host that runs may stay silent before it is booted anew."""


@dataclass(frozen=True)
class HostPlan:
    """What a host should be.

    Args:
        stack: The stack it belongs to.
        machine: The machine's name, 12 characters at most.
        hostname: Its name in the inventory.
        bridge: The bridge of its network.
        address: Its address, with the network's prefix length.
        gateway: The way out of its network.
        image: The root file system it shares.
        operator_key: The public ssh key that user `deploy` lets in.
        certificate: The certificate that it serves https with, if it is an edge.
    """

    stack: str
    machine: str
    hostname: str
    bridge: str
    address: IPv4Interface
    gateway: IPv4Address
    image: Path
    operator_key: str
    certificate: str | None

    @classmethod
    def from_properties(cls, props: dict[str, Any]) -> "HostPlan":
        """Read a resource's inputs."""
        texts = {key: str(props[key]) for key in ("stack", "machine", "hostname", "bridge", "operator_key")}
        address, gateway = IPv4Interface(props["address"]), IPv4Address(props["gateway"])
        image, certificate = Path(props["image"]), props.get("certificate")
        return cls(**texts, address=address, gateway=gateway, image=image, certificate=certificate)


def ensure_host(plan: HostPlan) -> str:
    """Make the host as it should be and wait until its ssh answers; what is already right is left alone.

    One that runs and can't be reached is attached to its bridge again; if that doesn't help, it is booted anew.

    Returns:
        The host's public ssh key, in the form of a known_hosts line without its first field.

    Raises:
        OperatorError: The address is taken, the disk is full, or the host did not boot.
    """
    directory = host_directory(plan.stack, plan.hostname)
    make_directory(directory)
    disk = Disk(directory)
    if disk.free_bytes() < MINIMUM_FREE_BYTES:
        raise OperatorError(f"{plan.hostname}: less than 1 GiB is free for its disk", next_command=f"df -h {directory}")
    ran = runs(disk)
    if not ran:
        end(disk)  # a host whose supervisor was killed goes on running, and would answer for itself below
        if greets(plan.address.ip, timeout_seconds=0.2):
            _refuse_another(plan)
    private, public = pki.make_host_key(directory)
    disk.mount(plan.image)
    disk.write(_seeds(plan, private, public))
    machine = Machine(plan.machine, plan.hostname, plan.bridge, plan.address.ip, disk)
    machine.start()
    if ran and not _works_soon(machine, public):
        machine.stop()
        machine.start()
    machine.wait_for_ssh()
    if not shows_key(machine.address, public):
        _refuse_another(plan)
    return public


def is_healthy(plan: HostPlan, host_key: str) -> bool:
    """Whether a host does what it is for: it runs, on its bridge, and its ssh answers there with its own key."""
    disk = Disk(host_directory(plan.stack, plan.hostname))
    return (
        runs(disk) and bridge.is_attached(port_of(plan.machine), plan.bridge) and shows_key(plan.address.ip, host_key)
    )


def _works_soon(machine: Machine, host_key: str) -> bool:
    """Attach a running machine to its bridge, and wait for its ssh: it may be busy, and needs no new start then."""
    if not bridge.is_link(machine.port):
        return False
    bridge.attach(machine.port, machine.bridge)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not shows_key(machine.address, host_key):
        if time.monotonic() > deadline:
            return False
    return True


def _refuse_another(plan: HostPlan) -> NoReturn:
    raise OperatorError(
        f"{plan.hostname}: another machine answers at its address {plan.address.ip}; nothing was sent to it",
        next_command=f"ssh-keyscan {plan.address.ip}, and ip route get {plan.address.ip}   # who that is",
    )


def _seeds(plan: HostPlan, private_key: bytes, public_key: str) -> tuple[SeedFile, ...]:
    # The name must sort before systemd's own 80-container-host0.network.
    # Waiting for a router's IPv6 offer would hold up network-online.target, and nginx with it, for ten seconds.
    network = f"[Match]\nName=host0\n\n[Network]\nAddress={plan.address}\nGateway={plan.gateway}\n"
    network += "LinkLocalAddressing=no\nIPv6AcceptRA=no\n"
    machine_id = hashlib.sha256(f"{plan.stack}/{plan.hostname}".encode()).hexdigest()[:32]
    seeds = [
        SeedFile("/etc/systemd/network/10-host0.network", network.encode()),
        SeedFile("/etc/machine-id", f"{machine_id}\n".encode(), 0o444),
        SeedFile("/etc/hostname", f"{plan.hostname}\n".encode()),
        SeedFile("/etc/hosts", f"127.0.0.1 localhost\n::1 localhost\n{plan.address.ip} {plan.hostname}\n".encode()),
        SeedFile("/etc/ssh/ssh_host_ed25519_key", private_key, 0o600),
        SeedFile("/etc/ssh/ssh_host_ed25519_key.pub", f"{public_key}\n".encode()),
        SeedFile("/home/deploy/.ssh/authorized_keys", f"{plan.operator_key}\n".encode(), 0o600, DEPLOY_UID),
    ]
    if plan.certificate:
        key = (stack_directory(plan.stack) / "edge.key").read_bytes()
        seeds += [
            SeedFile("/etc/tegak/tls/edge.crt", plan.certificate.encode()),
            SeedFile("/etc/tegak/tls/edge.key", key, 0o600),
        ]
    return tuple(seeds)
