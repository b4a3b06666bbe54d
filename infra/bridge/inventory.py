"""The inventory: the only bridge from provisioning to deploying and verifying.

The Pulumi program builds an `Inventory` and exports it as the stack output `inventory`; Fabric tasks read it back
through the same model, so that a document of another version or with an unknown key is refused on both sides.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyAddress, ValidationError, model_validator

from infra.bridge.errors import OperatorError
from infra.bridge.ssh import private_half

SCHEMA_VERSION = 1

Role = Literal["base", "app", "lb", "edge"]
Kind = Literal["lab", "hosts", "aws"]
PUBLIC_KEY_FILE = r"[^/]\.pub$"
InstanceId = Annotated[str, Field(pattern=r"^i-[0-9a-f]{8,17}$")]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Endpoint(_Document):
    """Where the edge sends a location's requests: the address and TCP port of its load balancer."""

    address: IPvAnyAddress
    port: int = Field(ge=1, le=65535)


class BalancedLocation(_Document):
    """A place with a load balancer and app hosts that the program knows.

    Args:
        name: The location's name.
        kind: Where its hosts come from.
        endpoint: Where requests are sent.
        behind_cdn: Whether a CDN sends them, with TLS and a secret that is in the stack output `origin`
            (infra.bridge.origin).
    """

    name: str
    kind: Literal["lab", "hosts"]
    endpoint: Endpoint
    behind_cdn: bool = False


class GroupLocation(_Document):
    """A place whose app hosts come and go: they are looked up when a task starts, never stored.

    Args:
        name: The location's name.
        kind: Where its hosts come from.
        region: The AWS region.
        tags: What its hosts are tagged with, and no others.
        target_group_arn: Where its load balancer finds its hosts.
        ssh_user: Who logs in on them.
    """

    name: str
    kind: Literal["aws"]
    region: str
    tags: Mapping[str, str] = Field(min_length=1)
    target_group_arn: str
    ssh_user: str = "deploy"


Location = Annotated[BalancedLocation | GroupLocation, Field(discriminator="kind")]


class CertificateFiles(_Document):
    """Where the operators keep the edge's certificate and its key: paths from the project's folder."""

    certificate_file: str
    key_file: str


class Edge(_Document):
    """The public face of the stack.

    Args:
        server_name: The site's name.
        url: The site's address.
        address: Where its host answers; None where it is no host (a CDN).
        certificate: What tasks bring to its host; None where provisioning does.
    """

    server_name: str
    url: str
    address: IPvAnyAddress | None = None
    certificate: CertificateFiles | None = None


class Host(_Document):
    """A host that ssh reaches.

    Args:
        name: Its name.
        location: Where it is.
        kind: Where it comes from.
        roles: What it becomes.
        address: Its address, or the id of an instance that has none to be reached at.
        ssh_port: TCP port of its ssh.
        ssh_user: Who logs in.
        host_keys: Its public keys, as in a known_hosts line without its first field.
        ssh_proxy: A command whose standard input and output are a connection to its ssh; empty where it is reached at
            its address.
        accounts: Users beside whoever deploys that its owner keeps there.
    """

    name: str
    location: str
    kind: Kind
    roles: tuple[Role, ...]
    address: IPvAnyAddress | InstanceId
    ssh_port: int = Field(default=22, ge=1, le=65535)
    ssh_user: str
    host_keys: tuple[str, ...] = Field(min_length=1)
    ssh_proxy: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()


class OperatorKey(_Document):
    """The ssh key of those who deploy.

    Args:
        file: Its public half, a path from the project's folder; the private one is beside it, or ssh-agent holds it.
        public: Its type and body, as the hosts were given it.
    """

    file: str = Field(pattern=PUBLIC_KEY_FILE)
    public: str

    @property
    def private(self) -> str:
        """Where its private half is, if it is in a file: a path from the project's folder."""
        return private_half(self.file)


class RolloutPolicy(_Document):
    """How careful a rollout is; a task's options overrule it.

    Args:
        max_parallel: App hosts of a location that are changed at the same time.
        capacity_floor_percent: Part of a location's app hosts that always goes on serving, rounded down.
        soak_seconds: How long a canary is watched before the rollout goes on.
        gate_error_percent: How much higher a canary's error rate may be than the others', in percentage points; the
            less, the more requests it is asked.
        gate_latency_ratio: How many times as long as the others a canary may take, in 95 of 100 requests.
        gate_latency_ms: A canary's answer within this time is never too slow.
        gate_requests: How many requests a canary is asked at least; `gate_error_percent` may need more.
        gate_in_doubt: What happens if so many requests don't tell whether it is worse: the operator decides, or the
            rollout goes on.
        unreachable_hosts: Hosts that may be unreachable without stopping a rollout; they are left out of the pool.
        failed_hosts: Hosts on which a step may fail without stopping a rollout; they get back what they had.
        keep_releases: Releases kept on each host, the current one included.
        clock_offset_seconds: How far a host's clock may be off.
        certificate_days: How long the edge's certificate must last.
        lock_minutes: How long a lock that nobody renews lasts.
        votes_may_fall_percent: By how much the sum of all votes may be lower than what is shown, without a correction.
    """

    model_config = ConfigDict(strict=True)

    max_parallel: int = Field(default=2, ge=1, le=1000)
    capacity_floor_percent: int = Field(default=50, ge=0, le=100)
    soak_seconds: int = Field(default=20, ge=0, le=3600)
    gate_error_percent: float = Field(default=1.0, ge=0.1, le=100)
    gate_latency_ratio: float = Field(default=2.0, ge=1)
    gate_latency_ms: int = Field(default=100, ge=0)
    gate_requests: int = Field(default=300, ge=1, le=10_000)
    gate_in_doubt: Literal["ask", "go on"] = "ask"
    unreachable_hosts: int = Field(default=1, ge=0)
    failed_hosts: int = Field(default=0, ge=0)
    keep_releases: int = Field(default=5, ge=2, le=100)
    clock_offset_seconds: int = Field(default=5, ge=1)
    certificate_days: int = Field(default=7, ge=0)
    lock_minutes: int = Field(default=30, ge=1)
    votes_may_fall_percent: float = Field(default=0.5, ge=0, le=100)


class ArchivePolicy(_Document):
    """What the public archive keeps.

    Args:
        keep_days: Publications that are so much older than the newest one are removed from it. 90 days, as the bucket's
            lock: the count takes 35, disputes over it a month more. All of 2019, in 75 publications, has 240 MB.
    """

    model_config = ConfigDict(strict=True)

    keep_days: int = Field(default=90, ge=1, le=3650)


class Publication(_Document):
    """The bucket that a stack publishes to: what new hosts start with, and what the CDN shows when there are none.

    Args:
        bucket: Its name.
        region: Its AWS region.
    """

    bucket: str = Field(min_length=3, max_length=63)
    region: str


class Inventory(_Document):
    """Everything that deploying and verifying know of a stack; `publication` is None where it has no bucket."""

    schema_version: Literal[1] = Field(default=SCHEMA_VERSION, alias="schema")
    stack: str
    locations: tuple[Location, ...]
    edge: Edge
    publication: Publication | None = None
    operator_key: OperatorKey
    rollout: RolloutPolicy = RolloutPolicy()
    archive: ArchivePolicy = ArchivePolicy()
    hosts: tuple[Host, ...]

    @model_validator(mode="after")
    def _names_are_unique(self) -> "Inventory":
        names = [host.name for host in self.hosts]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"host names must be unique, but these repeat: {', '.join(repeated)}")
        return self

    @property
    def groups(self) -> tuple[GroupLocation, ...]:
        """The locations whose hosts are looked up."""
        return tuple(location for location in self.locations if isinstance(location, GroupLocation))

    @property
    def balanced(self) -> tuple[BalancedLocation, ...]:
        """The locations whose load balancer is a host: those that a host of the edge divides requests over."""
        return tuple(location for location in self.locations if isinstance(location, BalancedLocation))

    @property
    def cdn_balancers(self) -> tuple["Host", ...]:
        """The load balancers that a CDN asks."""
        behind = {location.name for location in self.balanced if location.behind_cdn}
        return tuple(host for host in self.with_role("lb") if host.location in behind)

    @property
    def certificate_hosts(self) -> tuple["Host", ...]:
        """The hosts that tasks bring a certificate, since provisioning can't place it there."""
        edges = self.with_role("edge") if self.edge.certificate is not None else ()
        return (*edges, *self.cdn_balancers)

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
