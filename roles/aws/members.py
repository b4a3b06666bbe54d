"""The hosts of a group: looked up when a task starts, by region and tags, and reached through Session Manager.

A host is a member while it is in service. Its ssh keys are those that it printed on its console, as cloud-init does at
first boot; the console is written by root alone and read through the account, so no key is ever taken from whoever
answers. An instance keeps its keys for life: once read, they are kept here
(docs/decisions/0037-host-keys-from-the-console.md).
"""

import contextlib
import functools
import json
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.bridge.errors import OperatorError
from infra.bridge.files import write_if_other
from infra.bridge.host_keys import read_host_key
from infra.bridge.inventory import GroupLocation, Host
from roles.aws.clients import client, explained

AT_ONCE = 8
KEYS_BLOCK = re.compile(r"-----BEGIN SSH HOST KEY KEYS-----(.*?)-----END SSH HOST KEY KEYS-----", re.DOTALL)
"""What cloud-init's keys_to_console prints (cloudinit/config/cc_keys_to_console.py)."""


@dataclass(frozen=True)
class Members:
    """What a group has.

    Args:
        hosts: Those that can be reached.
        errors: Those that can't, by name, and why.
    """

    hosts: tuple[Host, ...]
    errors: Mapping[str, OperatorError]


def find_members(location: GroupLocation, known_keys: Path) -> Members:
    """Look up the hosts of a location.

    Args:
        location: The location.
        known_keys: File of the keys that were read before, by instance; written anew.

    Raises:
        OperatorError: AWS refuses, or doesn't answer.
    """
    instances = _in_service(location)
    keys = _read_known(known_keys)
    unknown = [instance for instance in instances if instance not in keys]
    with ThreadPoolExecutor(AT_ONCE) as executor:
        printed = executor.map(functools.partial(_printed_keys, location), unknown)
        keys |= zip(unknown, printed, strict=True)
    found = {instance: keys[instance] for instance in instances if keys[instance]}
    with contextlib.suppress(OperatorError):  # what isn't kept is read again
        write_if_other(known_keys, json.dumps(found, indent=1).encode())
    errors = {
        _name(location, instance): OperatorError(
            f"{_name(location, instance)}: has printed no ssh host key on its console yet",
            next_command=f"aws --region {location.region} ec2 get-console-output --latest --instance-id {instance}",
        )
        for instance in instances
        if instance not in found
    }
    return Members(tuple(member(location, instance, found[instance]) for instance in found), errors)


def read_console(output: str) -> list[str]:
    """The ssh host keys in the last whole block of a console's output; none if there is no such block."""
    blocks: list[str] = KEYS_BLOCK.findall(output)
    keys: list[str] = []
    for line in blocks[-1].splitlines() if blocks else []:
        try:
            keys.append(read_host_key(line.strip()))
        except ValueError:
            continue  # the kernel says something of its own in between
    return keys


def _in_service(location: GroupLocation) -> list[str]:
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in location.tags.items()]
    with explained(f"looking up the hosts of {location.name}", location.region):
        pages: Iterable[dict[str, Any]] = (
            client("autoscaling", location.region)
            .get_paginator("describe_auto_scaling_groups")
            .paginate(Filters=filters)
        )
        groups = [group for page in pages for group in page["AutoScalingGroups"]]
    if not groups:
        wanted = ", ".join(f"{key}={value}" for key, value in location.tags.items())
        raise OperatorError(f"{location.region} has no group with the tags {wanted}", next_command="pulumi up")
    # Not what is only warmed, or on its way out.
    in_service = (each for group in groups for each in group["Instances"] if each["LifecycleState"] == "InService")
    return sorted(str(each["InstanceId"]) for each in in_service)


def _printed_keys(location: GroupLocation, instance: str) -> list[str]:
    with explained(f"reading the console of {instance}", location.region):
        answer = client("ec2", location.region).get_console_output(InstanceId=instance, Latest=True)
    return read_console(str(answer.get("Output", "")))


def _read_known(file: Path) -> dict[str, list[str]]:
    try:
        known: dict[str, list[str]] = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return known


def _name(location: GroupLocation, instance: str) -> str:
    return f"{location.name}-{instance}"


def member(location: GroupLocation, instance: str, keys: Iterable[str]) -> Host:
    """An instance of a location's group as a host.

    Args:
        location: The location.
        instance: The instance's id.
        keys: Its public ssh host keys.
    """
    return Host(
        name=_name(location, instance),
        location=location.name,
        kind="aws",
        roles=("base", "app"),
        address=instance,
        ssh_user=location.ssh_user,
        host_keys=tuple(keys),
        ssh_proxy=session_manager(location.region, instance),
    )


def session_manager(region: str, instance: str) -> tuple[str, ...]:
    """The command whose standard input and output are a connection to an instance's ssh.

    It needs the AWS CLI 2 and its session-manager-plugin on the operator's machine.
    """
    words = ("aws", "ssm", "start-session", "--region", region, "--target", instance)
    return (*words, "--document-name", "AWS-StartSSHSession", "--parameters", "portNumber=22")
