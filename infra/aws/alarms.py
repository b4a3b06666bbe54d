"""Alarms as data: what is watched, when somebody is woken, and the resource that is made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pulumi import Input, ResourceOptions
from pulumi_aws import cloudwatch

MINUTE_SECONDS = 60
Missing = Literal["breaching", "notBreaching", "missing"]
Comparison = Literal["GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold"]


@dataclass(frozen=True)
class Measure:
    """A series of figures.

    Args:
        namespace: Whose figures: `AWS/ApplicationELB`, `AWS/AutoScaling`, `AWS/CloudFront`.
        metric: Its name.
        statistic: What is made of a period: `Sum`, `Maximum`, `p95`.
        dimensions: Of which thing.
        period_seconds: How long a period is.
    """

    namespace: str
    metric: str
    statistic: str
    dimensions: Mapping[str, Input[str]]
    period_seconds: int = MINUTE_SECONDS

    @property
    def is_percentile(self) -> bool:
        """Whether its statistic is one: AWS has an input of their own for them."""
        return self.statistic.startswith("p")

    def query(self, name: str) -> cloudwatch.MetricAlarmMetricQueryArgs:
        """The series as a part of an expression.

        Args:
            name: What the expression calls it.
        """
        metric = cloudwatch.MetricAlarmMetricQueryMetricArgs(
            namespace=self.namespace,
            metric_name=self.metric,
            stat=self.statistic,
            period=self.period_seconds,
            dimensions=self.dimensions,
        )
        return cloudwatch.MetricAlarmMetricQueryArgs(id=name, metric=metric, return_data=False)


@dataclass(frozen=True)
class Expression:
    """A figure that is computed from others.

    Args:
        name: What it is called where the figure is drawn.
        formula: How, in CloudWatch's language.
        parts: The others, by the names that they have in it.
    """

    name: str
    formula: str
    parts: Mapping[str, Measure]

    def queries(self) -> list[cloudwatch.MetricAlarmMetricQueryArgs]:
        """The figure and all that it is made of."""
        figure = cloudwatch.MetricAlarmMetricQueryArgs(
            id=self.name, expression=self.formula, label=self.name, return_data=True
        )
        return [figure, *(part.query(name) for name, part in self.parts.items())]


def percentage(part: Sequence[Measure], whole: Measure) -> Expression:
    """Of all of something, how much. A minute without any of `part` counts as 0.

    Args:
        part: What is counted; all of these together.
        whole: Of how many.
    """
    counted = {f"part{number}": measure for number, measure in enumerate(part, start=1)}
    total = " + ".join(f"FILL({name}, 0)" for name in counted)
    return Expression("percent", f"100 * ({total}) / whole", {"whole": whole, **counted})


@dataclass(frozen=True)
class Alarm:
    """An alarm.

    Args:
        name: What it is called within what it watches.
        figure: What is watched.
        comparison: How.
        threshold: With what.
        description: What it means, and what to do.
        missing: What a period without a figure means.
        bad_periods: How many of the last `periods` must be bad.
        periods: How many are looked at.
        ignores_few_samples: Whether a percentile of so few samples that it means nothing leaves the alarm as it is.
    """

    name: str
    figure: Measure | Expression
    comparison: Comparison
    threshold: float
    description: str
    missing: Missing
    bad_periods: int = 3
    periods: int = 5
    ignores_few_samples: bool = False


def make_alarm(
    alarm: Alarm,
    logical_name: str,
    *,
    region: str,
    topic: Input[str],
    tags: Mapping[str, str],
    name: str | None = None,
    opts: ResourceOptions,
) -> None:
    """Make an alarm; its topic is told when it begins and when it is over.

    Args:
        alarm: The alarm.
        logical_name: What the program calls it.
        region: Where its figure is.
        topic: ARN of the region's topic.
        tags: Its tags.
        name: What AWS calls it; None leaves that to the provider.
        opts: Whose part it is.
    """
    measure = alarm.figure if isinstance(alarm.figure, Measure) else None
    expression = alarm.figure if isinstance(alarm.figure, Expression) else None
    cloudwatch.MetricAlarm(
        logical_name,
        name=name,
        alarm_description=alarm.description,
        namespace=measure.namespace if measure else None,
        metric_name=measure.metric if measure else None,
        dimensions=measure.dimensions if measure else None,
        statistic=measure.statistic if measure and not measure.is_percentile else None,
        extended_statistic=measure.statistic if measure and measure.is_percentile else None,
        evaluate_low_sample_count_percentiles="ignore" if alarm.ignores_few_samples else None,
        period=measure.period_seconds if measure else None,
        metric_queries=expression.queries() if expression else None,
        comparison_operator=alarm.comparison,
        threshold=alarm.threshold,
        datapoints_to_alarm=alarm.bad_periods,
        evaluation_periods=alarm.periods,
        treat_missing_data=alarm.missing,
        alarm_actions=[topic],
        ok_actions=[topic],
        region=region,
        tags=tags,
        opts=opts,
    )
