"""What this machine and the operators' files on it must be like: looked at on preview too, before anything is made."""

import datetime as dt
import os
import platform
import shutil
from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path

from infra.addresses import EDGE_NETWORK, network_plan
from infra.bridge.certificate import read_certificate
from infra.bridge.errors import OperatorError
from infra.lab.bridge import refuse_anothers
from infra.settings.location import EDGE_NAME, LabLocationSettings
from infra.settings.stack import StackSettings

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


def check_certificate(directory: Path, settings: StackSettings, now: dt.datetime) -> None:
    """Refuse a certificate that the edge could not serve.

    Args:
        directory: The project's folder.
        settings: The stack's settings; most stacks have no certificate of their own.
        now: The time.

    Raises:
        OperatorError: A file is missing, they don't belong together, or browsers would refuse them.
    """
    if settings.certificate is not None:
        read_certificate(directory, settings.certificate.files, settings.server_name, now)


def read_operator_key(path: Path) -> str:
    """Read the public ssh key of those who deploy.

    Raises:
        OperatorError: The file is missing or is no public key.
    """
    try:
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(
            f"the operators' public key {path.name} can't be read ({type(error).__name__}); set-up makes it",
            next_command="make setup",
        ) from error
    if not key.startswith(("ssh-ed25519 ", "ssh-rsa ", "ecdsa-sha2-", "sk-ssh-")) or "\n" in key:
        raise OperatorError(f"{path.name} is not one public ssh key", next_command="make setup")
    return key
