"""Looking, before anything is made, at what the stack has and the program no longer asks for."""

import os
import time
from collections.abc import Mapping
from typing import cast

import pulumi
from pulumi import Output, ResourceTransformationArgs

from infra.bridge.errors import OperatorError
from infra.bridge.losses import HOST, KINDS, NAMED, NETWORK, SHOWN, Loss, read_number, refuse_unnamed
from infra.lab.providers import BRIDGE_IDENTITY, HOST_IDENTITY

Key = tuple[str, str]
"""A resource's type and its name."""

Known = Mapping[Key, Mapping[str, object]]
"""Resources, with what is known of their properties."""

IMAGE, CLAIM = "pulumi-python:dynamic/lab:Image", "pulumi-python:dynamic/lab:Claim"
IDENTITY: Mapping[str, tuple[str, ...]] = {
    HOST: HOST_IDENTITY,
    NETWORK: BRIDGE_IDENTITY,
    IMAGE: ("name",),
    CLAIM: ("stack",),
}
"""What can't change of a resource of the lab without another one in its place. Of AWS's, its provider knows."""

READ_SECONDS, RETRY_SECONDS = 10, 0.1
"""How long the state may be unreadable: it is written in milliseconds, by a machine that may be busy."""

CARRIED_BY = {HOST: (IMAGE, CLAIM), NETWORK: (CLAIM,)}
"""What is replaced along with what it stands on."""


class Watch:
    """Sees what the program asks for, and compares it with what the stack has.

    The program is looked at when it has asked for everything: the engine hears of none of it before.

    Args:
        stack: The stack's name.
    """

    def __init__(self, stack: str) -> None:
        self._stack = stack
        self._named = os.environ.get(NAMED)
        self._there: Known = {} if self._named == SHOWN else read_state(stack)
        self._wanted: dict[Key, Mapping[str, object]] = {}
        pulumi.runtime.register_stack_transformation(self._see)

    def _see(self, args: ResourceTransformationArgs) -> None:
        self._wanted[args.type_, args.name] = cast("Mapping[str, object]", args.props)

    def refuse_losses(self) -> None:
        """Refuse to lose anything whose number nobody named.

        Raises:
            OperatorError: The message has all of it.
        """
        if self._there:
            refuse_unnamed(self._stack, losses(self._there, self._wanted), read_number(self._named, NAMED))


def losses(there: Known, wanted: Known) -> list[Loss]:
    """What would be lost of what is there.

    Args:
        there: The stack's resources.
        wanted: What the program asks for; what isn't known yet of a property is an `Output`.
    """
    changed = {key for key in there if key in wanted and _is_another(key[0], there[key], wanted[key])}
    changed_kinds = {kind for kind, _ in changed}
    found: list[Loss] = []
    for key in there:
        kind, name = key
        if kind not in KINDS:
            continue
        if key not in wanted:
            found.append(Loss(KINDS[kind], name, "deleted"))
        elif key in changed or changed_kinds.intersection(CARRIED_BY.get(kind, ())):
            found.append(Loss(KINDS[kind], name, "replaced"))
    return sorted(found)


def _is_another(kind: str, old: Mapping[str, object], new: Mapping[str, object]) -> bool:
    given = {key: new.get(key) for key in IDENTITY.get(kind, ())}
    return any(not isinstance(value, Output) and value != old.get(key) for key, value in given.items())


def read_state(stack: str) -> Known:
    """The stack's resources, as the engine's last run left them.

    On an update the engine writes the state beside us, and a file of it can be read while it is half-written.

    Raises:
        OperatorError: The state can't be read.
    """
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"
    deadline = time.monotonic() + READ_SECONDS
    while True:
        try:
            answer = pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", {"stackName": name}).value
            break
        except Exception as error:  # the SDK knows nothing more precise
            if time.monotonic() > deadline:
                raise OperatorError(
                    f"what stack '{stack}' has can't be read ({error}); nothing was changed",
                    next_command=f"pulumi stack export -s {stack} > /dev/null   # tells whether its state is whole",
                ) from error
            time.sleep(RETRY_SECONDS)
    outputs = cast("Mapping[str, Mapping[str, object]]", answer["outputs"] or {})
    return {
        (str(resource["type"]), urn.rpartition("::")[2]): cast("Mapping[str, object]", resource["outputs"])
        for urn, resource in outputs.items()
    }
