"""What wakes somebody up: a location that does worse than it should, before the public sees it."""

from dataclasses import dataclass, replace

import pulumi
from pulumi import Output, ResourceOptions

from infra.aws.alarms import Alarm, Measure, make_alarm, percentage
from infra.aws.location.context import LocationContext

SLOW_SECONDS = 1.0
ERROR_PERCENT = 1.0


@dataclass(frozen=True)
class WatchedLocation:
    """What a location's alarms watch.

    Args:
        load_balancer: Its ALB, as CloudWatch names it.
        target_group: Its target group, as CloudWatch names it.
        group: Its Auto Scaling group's name.
        schedules: The group of schedules that reserve capacity; None without reservation.
    """

    load_balancer: Output[str]
    target_group: Output[str]
    group: Output[str]
    schedules: Output[str] | None

    def balancer(self, metric: str, statistic: str) -> Measure:
        """A figure of the load balancer."""
        return Measure("AWS/ApplicationELB", metric, statistic, {"LoadBalancer": self.load_balancer})

    def hosts(self, metric: str, statistic: str) -> Measure:
        """A figure of the hosts, as the load balancer sees them."""
        dimensions = {"LoadBalancer": self.load_balancer, "TargetGroup": self.target_group}
        return Measure("AWS/ApplicationELB", metric, statistic, dimensions)

    def scaling(self, metric: str, statistic: str) -> Measure:
        """A figure of the Auto Scaling group."""
        return Measure("AWS/AutoScaling", metric, statistic, {"AutoScalingGroupName": self.group})


class Alarms(pulumi.ComponentResource):
    """The alarms of a location; each goes to the region's topic, when it begins and when it is over.

    Args:
        location: The location.
        watched: What they watch.
    """

    def __init__(
        self, location: LocationContext, watched: WatchedLocation, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("tegak:aws:Alarms", location.name, None, opts)
        for alarm in alarms(location, watched):
            make_alarm(
                alarm,
                f"{location.name}-{alarm.name}",
                region=location.region,
                topic=location.account.alarm_topics[location.region],
                tags=location.tags("alarm", alarm.name),
                opts=ResourceOptions(parent=self),
            )
        self.register_outputs({})


def alarms(location: LocationContext, watched: WatchedLocation) -> list[Alarm]:
    """The alarms of a location.

    Args:
        location: The location.
        watched: What they watch.
    """
    found = [*_of_hosts(location, watched), *_of_requests(watched), *_of_the_night(watched)]
    return [replace(alarm, description=f"{location.name}: {alarm.description}") for alarm in found]


def _of_hosts(location: LocationContext, watched: WatchedLocation) -> list[Alarm]:
    hosts = location.settings.hosts
    return [
        Alarm(
            "unhealthy",
            watched.hosts("UnHealthyHostCount", "Maximum"),
            "GreaterThanOrEqualToThreshold",
            1,
            description="hosts fail their health check; nothing replaces them. fab status, then fab drift",
            # Without any host there is no figure; that is the business of `few`.
            missing="notBreaching",
        ),
        Alarm(
            "few",
            watched.hosts("HealthyHostCount", "Minimum"),
            "LessThanThreshold",
            (hosts.usual + 1) // 2,  # a rollout takes out no more by default, and that is no alarm
            description=f"fewer hosts serve than half of a usual day's {hosts.usual}. fab status",
            # No figure: no host at all.
            missing="breaching",
        ),
        Alarm(
            "full",
            watched.scaling("GroupDesiredCapacity", "Maximum"),
            "GreaterThanOrEqualToThreshold",
            hosts.most,
            description=f"the group has all of the {hosts.most} hosts that it may have. "
            "Raise hosts.most, and the quota",
            # The group counts itself every minute: silence is CloudWatch's, and says nothing of the hosts.
            missing="missing",
        ),
    ]


def _of_requests(watched: WatchedLocation) -> list[Alarm]:
    errors = [
        watched.hosts("HTTPCode_Target_5XX_Count", "Sum"),
        watched.balancer("HTTPCode_ELB_5XX_Count", "Sum"),
    ]
    return [
        Alarm(
            "errors",
            percentage(errors, watched.balancer("RequestCount", "Sum")),
            "GreaterThanThreshold",
            ERROR_PERCENT,
            description=f"more than {ERROR_PERCENT:g} % of the requests end in an error of ours. "
            "fab status; fab rollback",
            # No request, no error: at night before the polls open, that is no fault.
            missing="notBreaching",
        ),
        Alarm(
            "slow",
            watched.hosts("TargetResponseTime", "p95"),
            "GreaterThanThreshold",
            SLOW_SECONDS,
            description=f"one request of twenty takes longer than {SLOW_SECONDS:g} s. fab status; more hosts",
            missing="notBreaching",  # as for errors
        ),
        Alarm(
            "rejected",
            watched.balancer("RejectedConnectionCount", "Sum"),
            "GreaterThanThreshold",
            0,
            description="the load balancer turned connections away: it grows too slowly. Raise reserved_units",
            # Reported only when it happens.
            missing="notBreaching",
            bad_periods=1,
            periods=1,
        ),
    ]


def _of_the_night(watched: WatchedLocation) -> list[Alarm]:
    if watched.schedules is None:
        return []
    failed = Measure("AWS/Scheduler", "TargetErrorCount", "Sum", {"ScheduleGroup": watched.schedules})
    return [
        Alarm(
            "reservation",
            failed,
            "GreaterThanThreshold",
            0,
            description="the load balancer's capacity could not be reserved, or not given back: "
            "it can be by hand, docs/aws.md",
            missing="notBreaching",  # reported only when it happens
            bad_periods=1,
            periods=1,
        )
    ]
