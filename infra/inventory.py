"""The inventory: the only bridge from provisioning to deploying and verifying.

The Pulumi program builds an `Inventory` and exports it as the stack output `inventory`; Fabric tasks read it back
through the same model, so that a document of another version or with an unknown key is refused on both sides.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyAddress, ValidationError, model_validator

from infra.errors import OperatorError

SCHEMA_VERSION = 1

Role = Literal["base", "app", "lb", "edge"]
Kind = Literal["lab"]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Endpoint(_Document):
    """Where the edge sends a location's requests: the address and TCP port of its load balancer."""

    address: IPvAnyAddress
    port: int = Field(ge=1, le=65535)


class Location(_Document):
    """A place with its own load balancer and app hosts."""

    name: str
    kind: Kind
    endpoint: Endpoint


class Edge(_Document):
    """The public face of the stack."""

    server_name: str
    url: str


class Host(_Document):
    """A host that ssh reaches. `host_keys` are in the form of a known_hosts line without its first field."""

    name: str
    location: str
    kind: Kind
    roles: tuple[Role, ...]
    address: IPvAnyAddress
    ssh_port: int = Field(default=22, ge=1, le=65535)
    ssh_user: str
    host_keys: tuple[str, ...] = Field(min_length=1)


class Inventory(_Document):
    """Everything that deploying and verifying know of a stack."""

    schema_version: Literal[1] = Field(default=SCHEMA_VERSION, alias="schema")
    stack: str
    locations: tuple[Location, ...]
    edge: Edge
    hosts: tuple[Host, ...]

    @model_validator(mode="after")
    def _names_are_unique(self) -> "Inventory":
        names = [host.name for host in self.hosts]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"host names must be unique, but these repeat: {', '.join(repeated)}")
        return self

    def with_role(self, role: Role, location: str | None = None) -> tuple[Host, ...]:
        """The hosts of a role, in the inventory's order; of one location only, if it is named."""
        return tuple(h for h in self.hosts if role in h.roles and location in (None, h.location))


def parse_inventory(document: object) -> Inventory:
    """Validate a stack output.

    Raises:
        OperatorError: The document does not fit; the message names the first key that doesn't.
    """
    try:
        return Inventory.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "inventory"
        raise OperatorError(
            f"the stack output 'inventory' can't be used: {where}: {first['msg']}",
            next_command="pulumi up   # rewrites the output with this version of the program",
        ) from error
