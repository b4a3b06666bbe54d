"""What wakes somebody up: a location that does worse than it should, before the public sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws import cloudwatch

from infra.aws.location.place import Place

MINUTE = 60
SLOW_SECONDS = 1.0
ERROR_PERCENT = 1.0
Missing = Literal["breaching", "notBreaching", "missing"]
Comparison = Literal["GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold"]


@dataclass(frozen=True)
class Measure:
    """A series of figures.

    Args:
        namespace: Whose figures: `AWS/ApplicationELB`, `AWS/AutoScaling`, `AWS/Scheduler`.
        metric: Its name.
        statistic: What is made of a minute: `Sum`, `Maximum`, `p95`.
        dimensions: Of which thing.
    """

    namespace: str
    metric: str
    statistic: str
    dimensions: Mapping[str, Input[str]]

    def query(self, name: str) -> cloudwatch.MetricAlarmMetricQueryArgs:
        """The series as a part of an expression.

        Args:
            name: What the expression calls it.
        """
        metric = cloudwatch.MetricAlarmMetricQueryMetricArgs(
            namespace=self.namespace,
            metric_name=self.metric,
            stat=self.statistic,
            period=MINUTE,
            dimensions=self.dimensions,
        )
        return cloudwatch.MetricAlarmMetricQueryArgs(id=name, metric=metric, return_data=False)


@dataclass(frozen=True)
class Ratio:
    """A percentage: of all of something, how much.

    Args:
        part: What is counted; all of these together.
        whole: Of how many.
    """

    part: Sequence[Measure]
    whole: Measure

    def queries(self) -> list[cloudwatch.MetricAlarmMetricQueryArgs]:
        """The percentage and all that it is made of. A minute without any of `part` counts as 0."""
        names = [f"part{number}" for number in range(1, len(self.part) + 1)]
        total = " + ".join(f"FILL({name}, 0)" for name in names)
        percent = cloudwatch.MetricAlarmMetricQueryArgs(
            id="percent", expression=f"100 * ({total}) / whole", label="percent", return_data=True
        )
        return [percent, self.whole.query("whole"), *(part.query(n) for n, part in zip(names, self.part, strict=True))]


@dataclass(frozen=True)
class Alarm:
    """An alarm.

    Args:
        name: Its name within the location.
        description: What it means, and what to do.
        figure: What is watched.
        comparison: How.
        threshold: With what.
        missing: What a minute without a figure means.
        minutes: How many of the last `of` minutes must be bad.
        of: How many minutes are looked at.
    """

    name: str
    description: str
    figure: Measure | Ratio
    comparison: Comparison
    threshold: float
    missing: Missing
    minutes: int = 3
    of: int = 5


@dataclass(frozen=True)
class Watched:
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
        place: The location.
        watched: What they watch.
    """

    def __init__(self, place: Place, watched: Watched, opts: ResourceOptions | None = None) -> None:
        super().__init__("tegak:aws:Alarms", place.name, None, opts)
        for alarm in alarms(place, watched):
            self._make(place, alarm)
        self.register_outputs({})

    def _make(self, place: Place, alarm: Alarm) -> None:
        topic = place.account.alarm_topics[place.region]
        figure = alarm.figure
        single = figure if isinstance(figure, Measure) else None
        percentile = single is not None and single.statistic.startswith("p")
        cloudwatch.MetricAlarm(
            f"{place.name}-{alarm.name}",
            alarm_description=f"{place.name}: {alarm.description}",
            namespace=single.namespace if single else None,
            metric_name=single.metric if single else None,
            dimensions=single.dimensions if single else None,
            statistic=single.statistic if single and not percentile else None,
            extended_statistic=single.statistic if single and percentile else None,
            period=MINUTE if single else None,
            metric_queries=figure.queries() if isinstance(figure, Ratio) else None,
            comparison_operator=alarm.comparison,
            threshold=alarm.threshold,
            datapoints_to_alarm=alarm.minutes,
            evaluation_periods=alarm.of,
            treat_missing_data=alarm.missing,
            alarm_actions=[topic],
            ok_actions=[topic],
            region=place.region,
            tags=place.tags("alarm", alarm.name),
            opts=ResourceOptions(parent=self),
        )


def alarms(place: Place, watched: Watched) -> list[Alarm]:
    """The alarms of a location.

    Args:
        place: The location.
        watched: What they watch.
    """
    return [*_of_hosts(place, watched), *_of_requests(watched), *_of_the_night(watched)]


def _of_hosts(place: Place, watched: Watched) -> list[Alarm]:
    hosts = place.settings.hosts
    return [
        Alarm(
            "unhealthy",
            "hosts fail their health check; nothing replaces them. fab status, then fab drift",
            watched.hosts("UnHealthyHostCount", "Maximum"),
            "GreaterThanOrEqualToThreshold",
            1,
            # Without any host there is no figure; that is the business of `few`.
            missing="notBreaching",
        ),
        Alarm(
            "few",
            f"fewer hosts serve than half of a usual day's {hosts.usual}. fab status",
            watched.hosts("HealthyHostCount", "Minimum"),
            "LessThanThreshold",
            (hosts.usual + 1) // 2,  # a rollout takes out no more by default, and that is no alarm
            # No figure: no host at all.
            missing="breaching",
        ),
        Alarm(
            "full",
            f"the group has all of the {hosts.most} hosts that it may have. Raise hosts.most, and the quota",
            watched.scaling("GroupDesiredCapacity", "Maximum"),
            "GreaterThanOrEqualToThreshold",
            hosts.most,
            # The group counts itself every minute: silence is CloudWatch's, and says nothing of the hosts.
            missing="missing",
        ),
    ]


def _of_requests(watched: Watched) -> list[Alarm]:
    errors = [
        watched.hosts("HTTPCode_Target_5XX_Count", "Sum"),
        watched.balancer("HTTPCode_ELB_5XX_Count", "Sum"),
    ]
    return [
        Alarm(
            "errors",
            f"more than {ERROR_PERCENT:g} % of the requests end in an error of ours. fab status; fab rollback",
            Ratio(errors, watched.balancer("RequestCount", "Sum")),
            "GreaterThanThreshold",
            ERROR_PERCENT,
            # No request, no error: at night before the polls open, that is no fault.
            missing="notBreaching",
        ),
        Alarm(
            "slow",
            f"one request of twenty takes longer than {SLOW_SECONDS:g} s. fab status; more hosts",
            watched.hosts("TargetResponseTime", "p95"),
            "GreaterThanThreshold",
            SLOW_SECONDS,
            missing="notBreaching",  # as for errors
        ),
        Alarm(
            "rejected",
            "the load balancer turned connections away: it grows too slowly. Raise reserved_units",
            watched.balancer("RejectedConnectionCount", "Sum"),
            "GreaterThanThreshold",
            0,
            # Reported only when it happens.
            missing="notBreaching",
            minutes=1,
            of=1,
        ),
    ]


def _of_the_night(watched: Watched) -> list[Alarm]:
    if watched.schedules is None:
        return []
    failed = Measure("AWS/Scheduler", "TargetErrorCount", "Sum", {"ScheduleGroup": watched.schedules})
    return [
        Alarm(
            "reservation",
            "the load balancer's capacity could not be reserved, or not given back: it can be by hand, docs/aws.md",
            failed,
            "GreaterThanThreshold",
            0,
            missing="notBreaching",  # reported only when it happens
            minutes=1,
            of=1,
        )
    ]
