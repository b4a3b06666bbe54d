"""What this machine must be like to carry a lab: looked at on preview too, before anything is made."""

import os
import platform
import shutil
from collections.abc import Sequence
from ipaddress import IPv4Network

from infra.addresses import EDGE_NETWORK, network_plan
from infra.bridge.errors import OperatorError
from infra.lab.bridge import refuse_anothers
from infra.settings.location import EDGE_NAME, LabLocationSettings

TOOLS = ("systemd-nspawn", "mmdebstrap", "ip", "tc", "mount")


def check_machine() -> None:
    """Refuse a machine that can't carry a lab.

    Raises:
        OperatorError: It isn't Linux, we aren't root, or a tool is missing.
    """
    if platform.system() != "Linux":
        raise OperatorError(
            f"locations of kind 'lab' need Linux, and this is {platform.system()}",
            next_command="a virtual machine with Debian 12, and make up in it",
        )
    if os.geteuid() != 0:
        raise OperatorError(
            "locations of kind 'lab' need root, for namespaces, mounts and bridges", next_command="sudo make up"
        )
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise OperatorError(f"this machine lacks {', '.join(missing)}", next_command="make setup")


def check_networks(stack: str, network: IPv4Network, locations: Sequence[LabLocationSettings]) -> None:
    """Refuse a network that another location has on this machine: one that was renamed, or one of another stack.

    Args:
        stack: The stack's name.
        network: Its part of the lab's range.
        locations: Its locations of kind `lab`.

    Raises:
        OperatorError: The message has both locations.
    """
    wanted = {EDGE_NAME: EDGE_NETWORK, **{location.name: location.network for location in locations}}
    for name, number in wanted.items():
        plan = network_plan(network, number)
        refuse_anothers(plan.bridge, plan.network, f"{stack}/{name}")
