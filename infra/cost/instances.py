"""Sizes of Graviton instances, as far as price and quota depend on them.

Source: https://docs.aws.amazon.com/ec2/latest/instancetypes/co.html. Within a family the price goes with the size.
"""

from infra.bridge.errors import OperatorError

SIZES = {
    "medium": 0.25,
    "large": 0.5,
    "xlarge": 1,
    "2xlarge": 2,
    "4xlarge": 4,
    "8xlarge": 8,
    "12xlarge": 12,
    "16xlarge": 16,
    "24xlarge": 24,
    "48xlarge": 48,
}
"""How many xlarge a size is."""

XLARGE_VCPUS = 4
LEAST_BURSTABLE_VCPUS = 2
"""The small sizes of the t families have more vCPUs than their price tells."""


def family_and_factor(instance_type: str) -> tuple[str, float]:
    """The family of an instance type, and how many xlarge its size is.

    Raises:
        OperatorError: The size isn't known here.
    """
    family, _, size = instance_type.partition(".")
    if size not in SIZES:
        raise OperatorError(
            f"{instance_type} is no size known here ({', '.join(SIZES)}), so its price and its vCPUs aren't either",
            next_command="$EDITOR infra/cost/instances.py",
        )
    return family, SIZES[size]


def vcpus(instance_type: str) -> int:
    """How many vCPUs an instance type has; quotas of EC2 count them."""
    family, factor = family_and_factor(instance_type)
    whole = round(factor * XLARGE_VCPUS)
    return max(whole, LEAST_BURSTABLE_VCPUS) if family.startswith("t") else whole
