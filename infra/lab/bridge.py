"""A location's network: a bridge with the gateway's address, forwarding, and a distance to the others."""

import functools
import json
import subprocess
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path

from infra.addresses import TEST_RANGE
from infra.bridge.errors import OperatorError
from infra.lab.commands import locked, run
from infra.lab.paths import LOCK, STACKS

LINKS = Path("/sys/class/net")
IFF_UP = 1
"""Of a link's flags (linux/if.h)."""

INOTIFY_INSTANCES = 1024
"""Debian's 128 run out near 24 hosts; each systemd takes a handful."""


@dataclass(frozen=True)
class Bridge:
    """What a bridge should be.

    Args:
        name: The link's name, 15 characters at most.
        gateway: The bridge's own address and its network.
        delay_ms: One-way delay of everything that is routed into the network, in milliseconds.
        owner: Whose it is, `<stack>/<location>`: noted on the link itself, so that nobody else changes or removes it.
    """

    name: str
    gateway: IPv4Interface
    delay_ms: int
    owner: str


def ensure_bridge(bridge: Bridge) -> None:
    """Make the bridge as it should be, with its hosts attached; what is already right is left alone.

    Raises:
        OperatorError: It is somebody else's, or its address is taken by another link.
    """
    refuse_anothers(bridge.name, bridge.gateway.network, bridge.owner)
    _refuse_taken_address(bridge)
    ensure_shared_ground()
    if not is_link(bridge.name):
        # A bridge without an address of its own takes a port's, and another one when that host dies: the neighbours'
        # packets would go nowhere until they have asked again who has the gateway's address.
        mac = "02:00:" + bridge.gateway.ip.packed.hex(":")
        run(["ip", "link", "add", bridge.name, "address", mac, "type", "bridge"], step=f"making bridge {bridge.name}")
    run(["ip", "link", "set", bridge.name, "alias", bridge.owner], step=f"marking {bridge.name}")
    run(["ip", "address", "replace", str(bridge.gateway), "dev", bridge.name], step=f"addressing {bridge.name}")
    run(["ip", "link", "set", bridge.name, "up"], step=f"starting {bridge.name}")
    # Per bridge, not net.ipv4.ip_forward: the setting goes when the bridge goes.
    _forwarding(bridge.name).write_text("1", encoding="ascii")
    set_delay(bridge.name, bridge.delay_ms)
    for port in LINKS.glob(f"vb-{bridge.name}-*"):  # named after their machines, and these after their bridge
        attach(port.name, bridge.name)


def attach(port: str, bridge: str) -> None:
    """Attach a host's link to its bridge; fine if it is."""
    if not is_attached(port, bridge):
        run(["ip", "link", "set", port, "master", bridge, "up"], step=f"attaching {port} to {bridge}")


def is_attached(port: str, bridge: str) -> bool:
    """Whether a host's link is there, and on this bridge."""
    master = LINKS / port / "master"
    return master.exists() and master.resolve().name == bridge


def owner_of(name: str) -> str | None:
    """Whose a bridge is; empty if nobody marked it, None if there is none."""
    try:
        return (LINKS / name / "ifalias").read_text(encoding="utf-8").strip()
    except OSError:
        return None


def refuse_anothers(name: str, network: IPv4Network, owner: str) -> None:
    """Refuse a network that another location, of this stack or of another one, has on this machine.

    Args:
        name: Its bridge.
        network: Its addresses.
        owner: Who wants it, `<stack>/<location>`.

    Raises:
        OperatorError: The message has both, and how a location is renamed.
    """
    stack, _, location = owner.partition("/")
    its_stack, _, its_location = (owner_of(name) or owner).partition("/")
    if its_stack != stack:
        raise OperatorError(
            f"location '{location}' wants the network {network}, which location '{its_location}' of stack "
            f"'{its_stack}' has on this machine; nothing was changed",
            next_command="pulumi config set tegak:network 198.18.32.0/20   # another part of 198.18.0.0/15",
        )
    if its_location != location:
        raise OperatorError(
            f"location '{location}' wants the network {network}, which location '{its_location}' of this stack still "
            "has: a location can't be renamed, since its hosts are named after it; nothing was changed",
            next_command=f"$EDITOR stacks/Pulumi.{stack}.yaml   # keep '{its_location}', give '{location}' a `network` "
            f"of its own, type fab up; then take '{its_location}' out",
        )


def set_delay(name: str, delay_ms: int) -> None:
    """Set the one-way delay of what is routed into the bridge; hosts on the same bridge don't see it."""
    if delay_ms:
        # The limit is the queue's length: at 12 ms the default 1,000 packets cap the rate at about 1 Gbit/s.
        argv = ["tc", "qdisc", "replace", "dev", name, "root", "netem", "delay", f"{delay_ms}ms", "limit", "100000"]
        run(argv, step=f"delaying {name}")
    else:
        # Nothing to delete is an error to tc, and what is wanted here.
        subprocess.run(["tc", "qdisc", "del", "dev", name, "root"], capture_output=True, check=False)


@functools.cache
def kernel_has_netem() -> bool:
    """Whether this kernel can delay packets: tried on the loopback link of a throwaway network namespace."""
    argv = ["unshare", "--net", "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def inspect_bridge(name: str) -> Bridge | None:
    """What works under this name; None if there is nothing, or it is down, has no address, or forwards nothing."""
    try:
        links = json.loads(run(["ip", "-json", "-4", "address", "show", "dev", name], step=f"reading {name}"))
        queues = json.loads(run(["tc", "-json", "qdisc", "show", "dev", name], step=f"reading {name}'s delay"))
        works = bool(int((LINKS / name / "flags").read_text(), 16) & IFF_UP) and int(_forwarding(name).read_text())
    except (OperatorError, OSError):
        if is_link(name):
            raise
        return None
    if not works:
        return None
    addresses = [info for link in links for info in link.get("addr_info", [])]
    if not addresses:
        return None
    gateway = IPv4Interface(f"{addresses[0]['local']}/{addresses[0]['prefixlen']}")
    seconds = next((q["options"]["delay"]["delay"] for q in queues if q["kind"] == "netem"), 0)
    return Bridge(name, gateway, round(seconds * 1000), owner_of(name) or "")


def remove_bridge(name: str) -> None:
    """Remove the bridge; fine if it is gone."""
    try:
        run(["ip", "link", "del", name], step=f"removing bridge {name}")
    except OperatorError:
        if is_link(name):
            raise


def is_link(name: str) -> bool:
    """Whether the machine has a link of this name."""
    return (LINKS / name).exists()


def is_test_range_closed() -> bool:
    """Whether nothing of the test range can leave this machine."""
    return bool(
        run(["ip", "route", "show", "type", "unreachable", str(TEST_RANGE)], step="reading this machine's routes")
    )


def ensure_shared_ground() -> None:
    """What all stacks share: nothing of the test range ever leaves the machine, and systemd can start often."""
    with locked(LOCK):
        run(["ip", "route", "replace", "unreachable", str(TEST_RANGE)], step="closing the test range")
        limit = Path("/proc/sys/fs/inotify/max_user_instances")
        if int(limit.read_text(encoding="ascii")) < INOTIFY_INSTANCES:
            limit.write_text(str(INOTIFY_INSTANCES), encoding="ascii")


def remove_shared_ground() -> None:
    """Remove the unreachable route, if no stack is left that needs it."""
    with locked(LOCK):
        if not (STACKS.exists() and any(STACKS.iterdir())):
            subprocess.run(["ip", "route", "del", "unreachable", str(TEST_RANGE)], capture_output=True, check=False)


def _forwarding(name: str) -> Path:
    return Path(f"/proc/sys/net/ipv4/conf/{name}/forwarding")


def _refuse_taken_address(bridge: Bridge) -> None:
    links = json.loads(run(["ip", "-json", "-4", "address", "show"], step="reading this machine's addresses"))
    for link in links:
        for info in link.get("addr_info", []):
            taken = IPv4Interface(f"{info['local']}/{info['prefixlen']}").network
            if link["ifname"] != bridge.name and taken.overlaps(bridge.gateway.network):
                raise OperatorError(
                    f"the network {bridge.gateway.network} of bridge {bridge.name} is taken by {link['ifname']}",
                    next_command="pulumi config set tegak:network 198.18.32.0/20   # another part of 198.18.0.0/15",
                )
