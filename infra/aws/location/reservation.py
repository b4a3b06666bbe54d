"""The load balancer's reserved capacity: there before the night, given back after it, without an operator."""

import datetime as dt
import json
from collections.abc import Mapping

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import iam, scheduler
from pulumi_aws.get_caller_identity import get_caller_identity_output

from infra.aws.location.balancer import Balancer
from infra.aws.location.context import LocationContext
from infra.aws.location.night import NightPlan
from infra.aws.policies import Statement, for_account, policy, service, trust

CALL = "arn:aws:scheduler:::aws-sdk:elasticloadbalancingv2:modifyCapacityReservation"


class Reservation(pulumi.ComponentResource):
    """Two calls at two moments, made by EventBridge Scheduler.

    Capacity is paid by the hour that it is reserved for: 500 units all month would cost more than all hosts.

    Args:
        location: The location.
        balancer: Its load balancer.
        night: When.
    """

    def __init__(
        self, location: LocationContext, balancer: Balancer, night: NightPlan, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tegak:aws:Reservation", location.name, None, opts)
        self._location = location
        self._night = night
        self._load_balancer_arn = balancer.load_balancer.arn
        self.group = scheduler.ScheduleGroup(
            f"{location.name}-lb",
            region=location.region,
            tags=location.tags("lb", "schedules"),
            opts=ResourceOptions(parent=self),
        )
        self._role_arn = self._make_role()
        units = {"MinimumLoadBalancerCapacity": {"CapacityUnits": location.settings.reserved_units}}
        self._schedule("reserve", night.starts, units)
        self._schedule("give-back", night.ends, {"ResetCapacityReservation": True})
        self.register_outputs({})

    def _make_role(self) -> Output[str]:
        role = iam.Role(
            f"{self._location.name}-reserve",
            description="Reserves the load balancer's capacity for the night",
            assume_role_policy=get_caller_identity_output().account_id.apply(
                lambda account: trust(service("scheduler"), for_account(account))
            ),
            tags=self._location.tags("lb", "reserve"),
            opts=ResourceOptions(parent=self),
        )
        iam.RolePolicy(
            f"{self._location.name}-reserve",
            role=role.name,
            policy=self._load_balancer_arn.apply(
                lambda arn: policy(Statement("Reserve", ["elasticloadbalancing:ModifyCapacityReservation"], [arn]))
            ),
            opts=ResourceOptions(parent=self),
        )
        return role.arn

    def _schedule(self, name: str, moment: dt.datetime, change: Mapping[str, object]) -> None:
        if not self._night.is_ahead(moment):
            return
        scheduler.Schedule(
            f"{self._location.name}-lb-{name}",
            group_name=self.group.name,
            schedule_expression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
            schedule_expression_timezone="UTC",
            flexible_time_window={"mode": "OFF"},
            action_after_completion="DELETE",
            target={
                "arn": CALL,
                "role_arn": self._role_arn,
                "input": self._load_balancer_arn.apply(lambda arn: json.dumps({"LoadBalancerArn": arn, **change})),
                "retry_policy": {"maximum_event_age_in_seconds": 3600, "maximum_retry_attempts": 30},
            },
            region=self._location.region,
            opts=ResourceOptions(parent=self),
        )
