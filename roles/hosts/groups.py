"""An inventory with the hosts of its groups, which come and go, as they are when a task starts."""

from pathlib import Path

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import Host, Inventory
from roles.aws.members import find_members


def with_members(inventory: Inventory, cache: Path) -> tuple[Inventory, dict[str, OperatorError]]:
    """Look up the hosts of every group.

    A location that can't be looked up stops nobody from changing the rest: it counts as one unreachable host.

    Args:
        inventory: As the program left it.
        cache: Where the hosts' keys are kept, once they are known.

    Returns:
        The inventory with all hosts, and why something is not in it, by the name of the host or the location.

    Raises:
        OperatorError: The stack has nothing but groups, and none can be looked up.
    """
    if not inventory.groups:
        return inventory, {}
    hosts: list[Host] = list(inventory.hosts)
    missing: dict[str, OperatorError] = {}
    for location in inventory.groups:
        try:
            members = find_members(location, cache / f"host-keys-{location.name}.json")
        except OperatorError as error:
            missing[location.name] = error
        else:
            hosts += members.hosts
            missing |= members.errors
    if missing and not hosts:
        raise next(iter(missing.values()))
    return Inventory.model_validate({**inventory.model_dump(by_alias=True), "hosts": hosts}), missing
