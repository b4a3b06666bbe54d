"""A whole stack: its locations, its edge, and the inventory that tells of them."""

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pulumi import Output

from infra.adopted.location import HostsLocation, OwnedEdge
from infra.bridge import inventory
from infra.bridge.certificate import read_file
from infra.cost.guard import refuse_over_limits
from infra.lab.location import Lab
from infra.location import EdgeOutputs, LocationOutputs
from infra.settings.location import (
    AwsLocationSettings,
    HostsLocationSettings,
    LabLocationSettings,
    LocationSettings,
)
from infra.settings.stack import StackSettings
from infra.workplace import Workplace

if TYPE_CHECKING:
    from infra.aws.site import AwsSite


class Site:
    """Everything a stack has.

    Args:
        stack: The stack's name.
        settings: Its settings.
        workplace: Where the program runs from.
    """

    def __init__(self, stack: str, settings: StackSettings, workplace: Workplace) -> None:
        refuse_over_limits(stack, settings)
        self.stack = stack
        self.rollout, self.archive = settings.rollout, settings.archive
        self._settings = settings
        self._workplace = workplace
        network = settings.network if settings.of_kind(LabLocationSettings) else None
        self._lab = Lab(stack, network, workplace) if network else None
        self._aws = self._on_aws() if settings.aws else None
        self.locations = [self._location(location) for location in settings.locations]
        self.edge = self._edge()

    def _on_aws(self) -> "AwsSite":
        # Loading pulumi_aws takes 1.7 s of a processor, on each preview: stacks without AWS don't pay for it.
        from infra.aws.site import AwsSite

        now = dt.datetime.now(dt.UTC)
        return AwsSite(self.stack, self._settings, self._workplace.operator_key, self._workplace.signers, now)

    def _location(self, location: LocationSettings) -> LocationOutputs:
        match location:
            case HostsLocationSettings():
                return HostsLocation(location, self._settings.operator_key_file, behind_cdn=self._aws is not None)
            case LabLocationSettings() if self._lab:
                return self._lab.location(location)
            case AwsLocationSettings() if self._aws:
                return self._aws.location(location.name)
            case _:
                raise ValueError(f"the settings' own check lets no stack be without what {location.name} needs")

    def _edge(self) -> EdgeOutputs:
        settings = self._settings
        if self._aws is not None:
            return self._aws.edge
        if settings.own_edge is not None and settings.certificate is not None:
            file = settings.certificate.authority_file
            authority = read_file(self._workplace.directory / file).decode("ascii", "replace") if file else None
            return OwnedEdge(settings.server_name, settings.own_edge, settings.certificate, authority)
        if self._lab is not None:
            return self._lab.edge(settings.server_name)
        raise ValueError("the settings' own check lets no stack be without an edge")

    @property
    def name_servers(self) -> Output[Sequence[str]] | None:
        """The name servers of the site's zone, for the delegation; None where the zone isn't the stack's."""
        return self._aws.name_servers if self._aws else None

    @property
    def ds_record(self) -> Output[str] | None:
        """What the parent zone must say of the zone's signature; None where the zone isn't signed, or the stack's."""
        return self._aws.ds_record if self._aws else None

    @property
    def origin(self) -> Output[dict[str, str]] | None:
        """The stack output `origin`, a secret; None where no CDN asks a load balancer that one owns."""
        return self._aws.origin if self._aws else None

    def inventory(self) -> Output[dict[str, object]]:
        """The stack output `inventory`, known when every host is."""
        hosts = [*(host for location in self.locations for host in location.hosts), *self.edge.hosts]
        parts: Output[dict[str, object]] = Output.all(
            schema=inventory.SCHEMA_VERSION,
            stack=self.stack,
            locations=[location.entry for location in self.locations],
            edge=self.edge.entry,
            publication=self._aws.publication if self._aws else None,
            operator_key={
                "file": self._settings.operator_key_file,
                "public": " ".join(self._workplace.operator_key.split()[:2]),
            },
            rollout=self.rollout.model_dump(),
            archive=self.archive.model_dump(),
            hosts=[host.entry for host in hosts],
        )
        return parts.apply(
            lambda document: inventory.Inventory.model_validate(document).model_dump(mode="json", by_alias=True)
        )
