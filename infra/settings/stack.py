"""The typed settings of a stack: what stacks/Pulumi.<stack>.yaml may say, and nothing else."""

from collections.abc import Mapping
from ipaddress import IPv4Network
from itertools import combinations, pairwise
from typing import Annotated, TypeVar

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from infra.addresses import TEST_RANGE
from infra.bridge.errors import OperatorError
from infra.bridge.inventory import PUBLIC_KEY_FILE, ArchivePolicy, RolloutPolicy
from infra.settings.account import AwsSettings, BudgetSettings, NightSettings
from infra.settings.location import (
    LAB_EDGE_HOST,
    PRIVATE_RANGES,
    AwsHostsSettings,
    AwsLocationSettings,
    CertificateSettings,
    HostsLocationSettings,
    LabLocationSettings,
    LocationSettings,
    MachineSettings,
    Settings,
)
from infra.settings.regions import GLOBAL_REGION, REGIONS

PROJECT = "tegak"
UNREACHED_RANGES = (
    *PRIVATE_RANGES,
    *(IPv4Network(text) for text in ("100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16")),
)
"""Of what Route 53 refuses to check (CreateHealthCheck, IPAddress), what a machine that one owns may have:
https://docs.aws.amazon.com/Route53/latest/APIReference/API_HealthCheckConfig.html."""

LAB_NETWORK_PREFIX = 20
"""A stack's part of the test range: 16 networks of 256 addresses, the first one the edge's."""


Kind = TypeVar("Kind", LabLocationSettings, HostsLocationSettings, AwsLocationSettings)


class StackSettings(Settings):
    """A stack's settings.

    Args:
        network: The lab's part of 198.18.0.0/15, a /20; two stacks on one machine have different ones. Only with `lab`
            locations.
        server_name: The site's name in its certificate, beside its address.
        operator_key_file: Public ssh key of those who deploy, a path from the project's folder that ends in `.pub`; the
            private key is beside it, or ssh-agent holds it.
        locations: The locations, 1 to 15.
        rollout: How careful rollouts are.
        archive: For how long the public can look up what was published.
        aws: What AWS locations share; with them only, and then `night` and `budget` are needed too.
        night: The night that the stack is made for.
        budget: What it may cost.
        certificate: The edge's certificate, where the edge is a machine one owns.
    """

    network: Annotated[IPv4Network, Field(strict=False)] | None = None
    server_name: str = Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=253)
    operator_key_file: str = Field(pattern=PUBLIC_KEY_FILE)
    locations: Annotated[tuple[LocationSettings, ...], Field(strict=False, min_length=1, max_length=15)]
    rollout: RolloutPolicy = RolloutPolicy()
    archive: ArchivePolicy = ArchivePolicy()
    aws: AwsSettings | None = None
    night: NightSettings | None = None
    budget: BudgetSettings | None = None
    certificate: CertificateSettings | None = None

    @field_validator("network")
    @classmethod
    def _is_part_of_the_test_range(cls, network: IPv4Network | None) -> IPv4Network | None:
        if network is None:
            return None
        if network.prefixlen != LAB_NETWORK_PREFIX or not network.subnet_of(TEST_RANGE):
            raise ValueError(f"must be a /{LAB_NETWORK_PREFIX} inside {TEST_RANGE}")
        return network

    @model_validator(mode="after")
    def _fits_together(self) -> "StackSettings":
        problems = [
            *_repeated("location", [location.name for location in self.locations]),
            *_repeated("network", [str(location.network) for location in self.of_kind(LabLocationSettings)]),
            *_repeated("host", self._host_names()),
            *_repeated("name", [*{location.name for location in self.locations}, *set(self._host_names())]),
            *_repeated("address", [f"{machine.address}:{machine.ssh_port}" for machine in self._machines()]),
            *self._missing_parts(),
            *self._edge_problems(),
            *self._overlaps(),
            *self._region_problems(),
            *self._unreachable_origins(),
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def of_kind(self, kind: type[Kind]) -> tuple[Kind, ...]:
        """The locations of one kind."""
        return tuple(location for location in self.locations if isinstance(location, kind))

    @property
    def own_edge(self) -> MachineSettings | None:
        """The machine that is the edge; None where the edge is the lab's or the CDN."""
        return next((machine for machine in self._machines() if machine.role == "edge"), None)

    @property
    def regions(self) -> tuple[str, ...]:
        """Every AWS region that anything of the stack may be in."""
        if self.aws is None:
            return ()
        own = [location.region for location in self.of_kind(AwsLocationSettings)]
        return tuple(dict.fromkeys([*own, self.aws.home_region, self.aws.replica_region, GLOBAL_REGION]))

    def _missing_parts(self) -> list[str]:
        problems: list[str] = []
        if self.of_kind(LabLocationSettings) and self.network is None:
            problems.append("a location of kind lab needs tegak:network")
        needed = {"aws": self.aws, "night": self.night, "budget": self.budget}
        missing = [f"tegak:{key}" for key, value in needed.items() if value is None]
        if self.of_kind(AwsLocationSettings) and missing:
            problems.append(f"a location of kind aws needs {', '.join(missing)}")
        if self.aws and not self.of_kind(AwsLocationSettings):
            problems.append("tegak:aws without a location of kind aws")
        if self.aws and self.server_name != self.aws.zone and not self.server_name.endswith(f".{self.aws.zone}"):
            problems.append(
                f"tegak:server_name {self.server_name} is not in the zone {self.aws.zone}: no certificate can name it"
            )
        return problems

    def _machines(self) -> list[MachineSettings]:
        return [machine for location in self.of_kind(HostsLocationSettings) for machine in location.machines]

    def _host_names(self) -> list[str]:
        lab = self.of_kind(LabLocationSettings)
        names = [name for location in lab for name in (location.balancer_name, *location.app_names)]
        return [*names, *([LAB_EDGE_HOST] if lab else []), *(machine.name for machine in self._machines())]

    def _edge_problems(self) -> list[str]:
        """A stack has one edge: the CDN where there is an AWS location, else the lab's, else a machine."""
        edges = [machine.name for machine in self._machines() if machine.role == "edge"]
        others = [kind for kind in ("aws", "lab") if any(location.kind == kind for location in self.locations)]
        if others and edges:
            return [
                f"a stack with a location of kind {others[0]} has its edge there: {', '.join(edges)} can't be another"
            ]
        if not others and len(edges) != 1:
            return [f"a stack of own machines needs one machine of role edge in one of its locations, not {len(edges)}"]
        if bool(edges) != bool(self.certificate):
            return [
                "an edge on a machine of one's own needs tegak:certificate"
                if edges
                else "tegak:certificate is for an edge on a machine of one's own, and this stack has none"
            ]
        return []

    def _unreachable_origins(self) -> list[str]:
        """Where the CDN, and Route 53's health checkers, can't reach a load balancer."""
        locations = self.of_kind(HostsLocationSettings)
        if self.aws is None:
            return [
                f"{location.name}: public_address is where a CDN reaches it, and this stack has none"
                for location in locations
                if location.public_address
            ]
        return [
            f"{location.name}: no CDN reaches its load balancer at {location.origin_address}, which is private:"
            " public_address says where it does"
            for location in locations
            if any(location.origin_address in network for network in UNREACHED_RANGES)
        ]

    def _overlaps(self) -> list[str]:
        networks = [(location.name, location.network) for location in self.of_kind(AwsLocationSettings)]
        return [
            f"{first} ({one}) and {second} ({other}) overlap"
            for (first, one), (second, other) in combinations(networks, 2)
            if one.overlaps(other)
        ]

    def _region_problems(self) -> list[str]:
        problems: list[str] = []
        for region in self.regions:
            facts = REGIONS.get(region)
            if facts is None:
                problems.append(f"{region} is no region known here ({', '.join(sorted(REGIONS))})")
            elif facts.opt_in and self.aws and region not in self.aws.enabled_regions:
                problems.append(
                    f"{region} ({facts.area}) must be switched on in the account first"
                    f" (aws account enable-region --region-name {region}), then named in tegak:aws.enabled_regions"
                )
        for location in self.of_kind(AwsLocationSettings):
            facts = REGIONS.get(location.region)
            if facts and location.zones > facts.zones:
                problems.append(f"{location.name}: {location.region} has {facts.zones} zones, not {location.zones}")
            if self.aws and location.region not in self.aws.vcpu_quotas:
                problems.append(f"{location.name}: tegak:aws.vcpu_quotas lacks {location.region}")
        return problems


def _repeated(field: str, values: list[str]) -> list[str]:
    repeated = sorted({value for value in values if values.count(value) > 1})
    return [f"the same {field} is there twice: {', '.join(repeated)}"] if repeated else []


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


STRUCTURED_KEYS = tuple(
    name for name in StackSettings.model_fields if name not in {"network", "server_name", "operator_key_file"}
)
"""Keys whose values the engine hands over as JSON."""

_LOCATION_KINDS: dict[str, type[BaseModel]] = {
    "lab": LabLocationSettings,
    "hosts": HostsLocationSettings,
    "aws": AwsLocationSettings,
}
_MODELS: dict[str, type[BaseModel]] = {
    "rollout": RolloutPolicy,
    "archive": ArchivePolicy,
    "aws": AwsSettings,
    "certificate": CertificateSettings,
    "night": NightSettings,
    "budget": BudgetSettings,
    "machines": MachineSettings,
    "hosts": AwsHostsSettings,
}


def _sentence(detail: ErrorDetails) -> str:
    # pydantic puts the kind of a location after its index, where the file has none.
    parts = [part for i, part in enumerate(detail["loc"]) if not (i == 2 and part in _LOCATION_KINDS)]  # noqa: PLR2004
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")
    key = f"{PROJECT}:{path}" if path else PROJECT
    match detail["type"]:
        case "extra_forbidden":
            return f"unknown key {key}; allowed here: {', '.join(_allowed_keys(detail['loc']))}"
        case "missing" | "union_tag_not_found":
            return f"missing key {key}{'.kind' if detail['type'] == 'union_tag_not_found' else ''}"
        case "union_tag_invalid":
            return f"{key}.kind is {detail.get('ctx', {}).get('tag')!r}: it is one of {', '.join(_LOCATION_KINDS)}"
        case "value_error" if len(detail["loc"]) == 0:
            return detail["msg"].removeprefix("Value error, ")
        case _:
            return f"{key} is {detail['input']!r:.80}: {detail['msg'].removeprefix('Value error, ')}"


def _allowed_keys(path: tuple[int | str, ...]) -> list[str]:
    """The keys of the innermost model on the way to an unknown key."""
    model: type[BaseModel] = StackSettings
    for before, part in pairwise((None, *path[:-1])):
        models = _LOCATION_KINDS if isinstance(before, int) else _MODELS
        model = models.get(str(part), model)
    return sorted(model.model_fields)
