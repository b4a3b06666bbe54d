"""A location of kind `aws`: a VPC, a load balancer and an Auto Scaling group in one region."""

import datetime as dt
from collections.abc import Mapping, Sequence

import pulumi
from pulumi import Input, Output, ResourceOptions

from infra.aws.location.alarms import Alarms, WatchedLocation
from infra.aws.location.balancer import Balancer
from infra.aws.location.certificates import OriginCertificates
from infra.aws.location.context import LocationContext
from infra.aws.location.endpoints import Endpoints
from infra.aws.location.group import HostGroup
from infra.aws.location.network import Network
from infra.aws.location.night import NightPlan
from infra.aws.location.reservation import Reservation
from infra.aws.location.roles import HostRole
from infra.aws.location.security_groups import SecurityGroups
from infra.aws.location.template import HostTemplate
from infra.aws.location.whereabouts import Whereabouts
from infra.aws.names import LOCATION_TAG, ROLE_TAG, STACK_TAG
from infra.aws.outputs import AccountOutputs, OriginOutputs
from infra.hosts import HostOutputs
from infra.settings.location import AwsLocationSettings
from infra.settings.stack import StackSettings


class AwsLocation(pulumi.ComponentResource):
    """A location in one region of AWS.

    `hosts` is empty: they come and go, and are found by what `entry`, its part of the inventory, says. `origin` is what
    the CDN asks.

    Args:
        location: The location.
        certificate_arn: A validated certificate of the name that the CDN asks, in the location's region.
        weight: Its share of the requests.
    """

    def __init__(
        self, location: LocationContext, certificate_arn: Input[str], weight: int, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tegak:aws:Location", location.name, None, opts)
        parts = ResourceOptions(parent=self)
        night = NightPlan.of(location.night, location.now)
        # First: what is refused is refused before anything of the location is changed.
        stays = Whereabouts(location, opts=parts)
        network = Network(location, ResourceOptions.merge(parts, ResourceOptions(depends_on=[stays])))
        security_groups = SecurityGroups(location, network, parts)
        Endpoints(location, network, security_groups, parts)
        role = HostRole(location, parts)
        self._balancer = Balancer(location, network, security_groups, certificate_arn, night, parts)
        reservation = Reservation(location, self._balancer, night, parts) if location.settings.reserved_units else None
        template = HostTemplate(location, security_groups, role, parts).template
        self._hosts = HostGroup(location, network, template, self._balancer, night, parts)
        Alarms(location, self._watched(reservation), parts)
        self.origin = self._origin(location, weight)
        self.hosts: Sequence[HostOutputs] = ()
        self.entry = self._entry(location)
        self.register_outputs({"entry": self.entry})

    def _watched(self, reservation: Reservation | None) -> WatchedLocation:
        return WatchedLocation(
            self._balancer.load_balancer.arn_suffix,
            self._balancer.target_group.arn_suffix,
            self._hosts.group.name,
            reservation.group.name if reservation else None,
        )

    def _origin(self, location: LocationContext, weight: int) -> OriginOutputs:
        load_balancer = self._balancer.load_balancer
        return OriginOutputs(location.name, weight, alias=(load_balancer.dns_name, load_balancer.zone_id))

    def _entry(self, location: LocationContext) -> Output[Mapping[str, object]]:
        known: Mapping[str, object] = {
            "name": location.name,
            "kind": location.settings.kind,
            "region": location.region,
            "tags": {key: location.tags("app")[key] for key in (STACK_TAG, LOCATION_TAG, ROLE_TAG)},
        }
        return self._balancer.target_group.arn.apply(lambda arn: {**known, "target_group_arn": arn})


def make_aws_locations(
    settings: StackSettings,
    account: AccountOutputs,
    certificates: OriginCertificates,
    weights: Mapping[str, int],
    operator_key: str,
    signers: str,
    now: dt.datetime,
) -> list[AwsLocation]:
    """Make all locations of kind `aws` of a stack.

    Args:
        settings: The stack's settings.
        account: What the locations share.
        certificates: Those of the name that the CDN asks, in the locations' regions.
        weights: Each location's share of the requests, by its name: infra.weights.dns_weights over all kinds.
        operator_key: The public ssh key of those who deploy.
        signers: Who may sign what hosts take.
        now: When the program runs, with a time zone.
    """
    locations = settings.of_kind(AwsLocationSettings)
    if settings.aws is None or settings.night is None:  # the settings' own check: never with a location of kind aws
        return []
    home_region, night = settings.aws.home_region, settings.night
    return [
        AwsLocation(
            LocationContext(location, night, account, home_region, operator_key, signers, now),
            certificates.in_region(location.region),
            weights[location.name],
        )
        for location in locations
    ]
