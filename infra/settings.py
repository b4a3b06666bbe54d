"""The typed settings of a stack: what stacks/Pulumi.<stack>.yaml may say, and nothing else."""

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from infra.errors import OperatorError
from infra.inventory import RolloutPolicy

PROJECT = "tegak"
TEST_RANGE = IPv4Network("198.18.0.0/15")
"""The lab's addresses: reserved for tests of networks (RFC 2544), never routed in public."""

LAB_NETWORK_PREFIX = 20
"""A stack's part of the test range: 16 networks of 256 addresses, the first one the edge's."""

EDGE_NAME = "edge"
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}[a-z0-9]$")]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LocationSettings(_Settings):
    """A location of kind `lab`: a load balancer and app hosts on a bridge of their own.

    Args:
        name: Lower-case letters, digits and dashes; hosts are named after it.
        kind: Where its hosts come from.
        network: Which of the stack's /24 networks it has, 1 to 15; it stays with the location when others go.
        app_hosts: How many app hosts, 1 to 12.
        delay_ms: One-way delay of what is routed into the location, in milliseconds.
    """

    name: Name
    kind: Literal["lab"]
    network: int = Field(ge=1, le=15)
    app_hosts: int = Field(ge=1, le=12)
    delay_ms: int = Field(default=0, ge=0, le=500)

    @field_validator("name")
    @classmethod
    def _is_not_the_edge(cls, name: str) -> str:
        if name == EDGE_NAME:
            raise ValueError("'edge' is the edge's own name; a location needs another one")
        return name


class StackSettings(_Settings):
    """A stack's settings.

    Args:
        network: The stack's part of 198.18.0.0/15, a /20; two stacks on one machine have different ones.
        server_name: The site's name in its certificate, beside its address.
        operator_key_file: Public ssh key of those who deploy, a path from the project's folder.
        locations: The locations, 1 to 15.
        rollout: How careful rollouts are.
    """

    network: Annotated[IPv4Network, Field(strict=False)]
    server_name: str = Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=253)
    operator_key_file: str
    locations: Annotated[tuple[LocationSettings, ...], Field(strict=False, min_length=1, max_length=15)]
    rollout: RolloutPolicy = RolloutPolicy()

    @field_validator("network")
    @classmethod
    def _is_part_of_the_test_range(cls, network: IPv4Network) -> IPv4Network:
        if network.prefixlen != LAB_NETWORK_PREFIX or not network.subnet_of(TEST_RANGE):
            raise ValueError(f"must be a /{LAB_NETWORK_PREFIX} inside {TEST_RANGE}")
        return network

    @model_validator(mode="after")
    def _locations_differ(self) -> "StackSettings":
        for field in ("name", "network"):
            values = [getattr(location, field) for location in self.locations]
            repeated = sorted({str(value) for value in values if values.count(value) > 1})
            if repeated:
                raise ValueError(f"two locations have the same {field}: {', '.join(repeated)}")
        return self


def parse_settings(config: Mapping[str, object], stack: str) -> StackSettings:
    """Validate a stack's configuration, keys as in the file but without the project's prefix.

    Raises:
        OperatorError: The first thing that doesn't fit: the key, the value, what is allowed.
    """
    try:
        return StackSettings.model_validate(dict(config))
    except ValidationError as error:
        raise OperatorError(
            f"stacks/Pulumi.{stack}.yaml: {_sentence(error.errors()[0])}",
            next_command=f"$EDITOR stacks/Pulumi.{stack}.yaml",
        ) from error


def _sentence(detail: ErrorDetails) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in detail["loc"]).lstrip(".")
    key = f"{PROJECT}:{path}" if path else PROJECT
    match detail["type"]:
        case "extra_forbidden":
            return f"unknown key {key}; allowed here: {', '.join(_allowed_keys(detail['loc']))}"
        case "missing":
            return f"missing key {key}"
        case _:
            return f"{key} is {detail['input']!r}: {detail['msg'].removeprefix('Value error, ')}"


def _allowed_keys(location: tuple[int | str, ...]) -> list[str]:
    models = {"locations": LocationSettings, "rollout": RolloutPolicy}
    model = models.get(str(location[0]), StackSettings) if len(location) > 1 else StackSettings
    return sorted(model.model_fields)
