"""What a stack's settings may say of a location, for each kind of location."""

from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from infra.bridge.host_keys import read_host_key
from infra.bridge.inventory import CertificateFiles

EDGE_NAME = "edge"
LAB_EDGE_HOST = "edge-1"
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}[a-z0-9]$")]
AwsName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,10}[a-z0-9]$")]
"""Names of ALBs and target groups have 32 characters at most, the stack's name and Pulumi's suffix among them."""

UserName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")]

LARGEST_VPC_PREFIX, SMALLEST_VPC_PREFIX = 16, 20
PRIVATE_RANGES = (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16"))
Region = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[1-9]$")]


class Settings(BaseModel):
    """Settings are typed, unknown keys are refused, and nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Location(Settings):
    name: Name

    @field_validator("name")
    @classmethod
    def _is_not_the_edge(cls, name: str) -> str:
        if name == EDGE_NAME:
            raise ValueError("'edge' is the edge's own name; a location needs another one")
        return name


class LabLocationSettings(_Location):
    """A location of kind `lab`: a load balancer and app hosts on a bridge of their own.

    Args:
        name: Lower-case letters, digits and dashes; hosts are named after it.
        kind: Where its hosts come from.
        network: Which of the stack's /24 networks it has, 1 to 15; it stays with the location when others go.
        app_hosts: How many app hosts, 1 to 12.
        delay_ms: One-way delay of what is routed into the location, in milliseconds.
    """

    kind: Literal["lab"]
    network: int = Field(ge=1, le=15)
    app_hosts: int = Field(ge=1, le=12)
    delay_ms: int = Field(default=0, ge=0, le=500)

    @property
    def balancer_name(self) -> str:
        """The name of its load balancer."""
        return f"{self.name}-lb-1"

    @property
    def app_names(self) -> list[str]:
        """The names of its app hosts."""
        return [f"{self.name}-app-{number}" for number in range(1, self.app_hosts + 1)]


class MachineSettings(Settings):
    """A machine that exists already.

    Args:
        name: What the host is called here.
        role: What it becomes, beside `base`.
        address: Where ssh reaches it.
        ssh_port: TCP port of its ssh.
        ssh_user: Who logs in; may call sudo without a password.
        host_keys: Its public ssh keys, as in a known_hosts line without its first field. None other is believed.
        accounts: Users beside `ssh_user` that its owner keeps there, for its console: any other one is drift.
    """

    name: Name
    role: Literal["app", "lb", "edge"]
    address: Annotated[IPv4Address, Field(strict=False)]
    ssh_port: int = Field(default=22, ge=1, le=65535)
    ssh_user: UserName = "deploy"
    host_keys: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    accounts: Annotated[tuple[UserName, ...], Field(strict=False)] = ()

    @field_validator("host_keys")
    @classmethod
    def _are_public_keys(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(read_host_key(key) for key in keys)


class HostsLocationSettings(_Location):
    """A location of kind `hosts`: machines one already owns; adopted and checked, never created or destroyed.

    Args:
        name: The location's name.
        kind: Where its hosts come from.
        machines: The machines: one load balancer (`lb`), at least one `app` host, and the edge of the whole stack
            where it has no other one.
        public_address: Where a CDN reaches the load balancer, port 443; where ssh does, if it isn't said.
    """

    kind: Literal["hosts"]
    machines: Annotated[tuple[MachineSettings, ...], Field(strict=False, min_length=2)]
    public_address: Annotated[IPv4Address, Field(strict=False)] | None = None

    @model_validator(mode="after")
    def _has_what_a_location_needs(self) -> "HostsLocationSettings":
        roles = [machine.role for machine in self.machines]
        if roles.count("lb") != 1 or "app" not in roles:
            raise ValueError("a location needs one machine of role lb and at least one of role app")
        return self

    @property
    def balancer(self) -> MachineSettings:
        """Its load balancer."""
        return next(machine for machine in self.machines if machine.role == "lb")

    @property
    def app_machines(self) -> int:
        """How many machines serve."""
        return sum(machine.role == "app" for machine in self.machines)

    @property
    def origin_address(self) -> IPv4Address:
        """Where a CDN reaches its load balancer."""
        return self.public_address or self.balancer.address


class CertificateSettings(Settings):
    """The certificate of an edge that one owns. The key travels from its file to the edge, and nowhere else.

    Args:
        certificate_file: The certificate in PEM, with those of the authorities in between; from the project's folder.
        key_file: Its key, unencrypted, readable by nobody else; not in git.
        authority_file: The certificate of the authority, where it is no public one.
    """

    certificate_file: str = Field(min_length=1)
    key_file: str = Field(min_length=1)
    authority_file: str | None = None

    @property
    def files(self) -> CertificateFiles:
        """What the inventory says of it."""
        return CertificateFiles(certificate_file=self.certificate_file, key_file=self.key_file)


class AwsHostsSettings(Settings):
    """How many hosts the Auto Scaling group of a location has.

    Args:
        usual: On any other day, and the fewest the group may have then.
        night: During the night (`tegak:night`): there before the polls close, not when load asks for them.
        most: More are never started; quotas are checked against it.
        warm: Stopped instances that are started instead of made; they cost only their disks.
        requests_per_second: Requests a second that each host is to have; above it, hosts are added.
    """

    usual: int = Field(ge=2, le=1000)
    night: int = Field(ge=2, le=1000)
    most: int = Field(ge=2, le=1000)
    warm: int = Field(default=0, ge=0, le=1000)
    requests_per_second: int = Field(default=1000, ge=1, le=100_000)

    @model_validator(mode="after")
    def _are_in_order(self) -> "AwsHostsSettings":
        if not self.usual <= self.night <= self.most:
            raise ValueError("usual, night and most must not go down in this order")
        return self


class AwsLocationSettings(_Location):
    """A location of kind `aws`: a VPC, an ALB and an Auto Scaling group in one region.

    Args:
        name: The location's name, 12 characters at most.
        kind: Where its hosts come from.
        region: The AWS region.
        network: The VPC's addresses, a private /16 to /20; no two locations' overlap.
        zones: Availability zones that its hosts are in.
        instance_type: A Graviton type (arm64).
        image: An AMI made beforehand, of Debian 12 for arm64; without it, Debian's own newest one.
        hosts: How many hosts.
        reserved_units: Load balancer capacity units that the ALB keeps ready during the night; 0 for none.
    """

    name: AwsName
    kind: Literal["aws"]
    region: Region
    network: Annotated[IPv4Network, Field(strict=False)]
    zones: int = Field(default=3, ge=2, le=3)
    instance_type: str = Field(pattern=r"^[a-z]+[0-9]+g[a-z]*\.[0-9]*[a-z]+$")
    image: str | None = Field(default=None, pattern=r"^ami-[0-9a-f]{8,17}$")
    hosts: AwsHostsSettings
    reserved_units: int = Field(default=0, ge=0, le=15_000)

    @field_validator("network")
    @classmethod
    def _is_private(cls, network: IPv4Network) -> IPv4Network:
        fits = LARGEST_VPC_PREFIX <= network.prefixlen <= SMALLEST_VPC_PREFIX
        if not fits or not any(network.subnet_of(private) for private in PRIVATE_RANGES):
            raise ValueError("must be a /16 to /20 of private addresses (10/8, 172.16/12, 192.168/16)")
        return network


LocationSettings = Annotated[
    LabLocationSettings | HostsLocationSettings | AwsLocationSettings, Field(discriminator="kind")
]
