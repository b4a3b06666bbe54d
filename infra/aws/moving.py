"""A location stays where it was put.

Another network means another VPC, and a load balancer can't follow there: AWS refuses subnets of another VPC
(https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetSubnets.html) after much else was changed
already. To replace it with all that hangs on it would end every host of the location at once.
"""

from collections.abc import Mapping

from infra.bridge.errors import OperatorError

FIXED = ("region", "network")


def refuse_to_move(before: Mapping[str, object], wanted: Mapping[str, object]) -> None:
    """Refuse another region or network.

    Args:
        before: Where the location was made.
        wanted: Where the settings say that it is.

    Raises:
        OperatorError: They differ.
    """
    changes = [f"{key} {before[key]} to {wanted[key]}" for key in FIXED if before[key] != wanted[key]]
    if changes:
        moved = f"location {wanted['location']} can't move from {' and '.join(changes)} while it serves"
        raise OperatorError(
            f"{moved}; nothing of it was changed",
            next_command="add a location with another name there, pulumi up, fab deploy and fab publish, then remove "
            "this one (docs/aws.md, Moving a location)",
        )
