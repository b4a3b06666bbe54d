"""What the CDN tells of itself, within minutes."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws import cloudfront, cloudwatch, s3

from infra.aws.names import Names
from infra.aws.outputs import AccountOutputs
from infra.bridge.bucket_layout import SITE_PREFIX
from infra.settings.regions import GLOBAL_REGION

MINUTE_SECONDS = 60
DAY_SECONDS = 86_400
BUSY_REQUESTS = 60_000
"""Requests a minute from which a share of hits means something: with few, most are the first in ten seconds."""

FALLBACK_READS = 10
"""Reads of the bucket in a minute: an answer that failed once is asked for there too."""


@dataclass(frozen=True)
class Limit:
    """What must not be passed, and for how long it may be.

    Args:
        operator: AWS's name of the comparison.
        threshold: The value, in the metric's own unit.
        periods: How many periods are looked at.
        bad_periods: How many of them raise the alarm.
    """

    operator: str
    threshold: float
    periods: int
    bad_periods: int


class CdnAlarms(pulumi.ComponentResource):
    """Alarms of what the public feels, to the people of the region's topic.

    Args:
        account: What is shared.
        distribution: The distribution's id.
        requests_quota: Requests a second that AWS lets it have.
        health_checks: Health checks of locations that are no load balancers of AWS, by location.
        certificate: The certificate's ARN.
        publication_region: Where the bucket is that the CDN falls back to.
    """

    def __init__(
        self,
        account: AccountOutputs,
        distribution: Output[str],
        *,
        requests_quota: int,
        health_checks: Mapping[str, Output[str]],
        certificate: Output[str],
        publication_region: str,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("tegak:aws:CdnAlarms", "cdn-alarms", None, opts)
        self._account, self._child = account, ResourceOptions(parent=self)
        self._names: Names = account.names
        self._cdn = {"DistributionId": distribution, "Region": "Global"}
        self._measure_more(distribution)
        self._errors()
        self._slow_origin()
        self._few_hits()
        self._near_quota(requests_quota)
        self._certificate(certificate)
        for location, check in health_checks.items():
            self._unhealthy(location, check)
        self._fallback(publication_region)
        self.register_outputs({})

    def _measure_more(self, distribution: Output[str]) -> None:
        """Hit ratio and origin latency are measured only when asked for, at a price for each distribution."""
        status = cloudfront.MonitoringSubscriptionMonitoringSubscriptionRealtimeMetricsSubscriptionConfigArgs(
            realtime_metrics_subscription_status="Enabled"
        )
        cloudfront.MonitoringSubscription(
            "cdn",
            distribution_id=distribution,
            monitoring_subscription=cloudfront.MonitoringSubscriptionMonitoringSubscriptionArgs(
                realtime_metrics_subscription_config=status
            ),
            opts=self._child,
        )

    def _errors(self) -> None:
        """More than 1 % of answers are the CDN's errors, three minutes long."""
        self._alarm("cdn-errors", "AWS/CloudFront", "5xxErrorRate", self._cdn, _above(1, 3, 3), statistic="Average")

    def _slow_origin(self) -> None:
        """One answer of the locations in 20 takes more than 2 s, three minutes of five."""
        self._alarm("cdn-slow-origin", "AWS/CloudFront", "OriginLatency", self._cdn, _above(2000, 5, 3), tail="p95")

    def _near_quota(self, requests_quota: int) -> None:
        """Four fifths of the requests that AWS lets the distribution have."""
        limit = _above(requests_quota * MINUTE_SECONDS * 4 / 5, 1, 1)
        self._alarm("cdn-near-quota", "AWS/CloudFront", "Requests", self._cdn, limit, statistic="Sum")

    def _certificate(self, certificate: Output[str]) -> None:
        """AWS renews 45 days ahead or more: 21 days before the end it has tried in vain."""
        where = {"CertificateArn": certificate}
        limit = Limit("LessThanThreshold", 21, 1, 1)
        name, metric = "AWS/CertificateManager", "DaysToExpiry"
        self._alarm("cdn-certificate", name, metric, where, limit, statistic="Minimum", period=DAY_SECONDS)

    def _unhealthy(self, location: str, check: Output[str]) -> None:
        """AWS's checkers see a location no more; of load balancers, their own region's alarms tell."""
        limit = Limit("LessThanThreshold", 1, 2, 2)
        where = {"HealthCheckId": check}
        self._alarm(f"origin-{location}", "AWS/Route53", "HealthCheckStatus", where, limit, statistic="Minimum")

    def _fallback(self, region: str) -> None:
        """The CDN reads the bucket: the locations don't answer, and the public may not even notice."""
        bucket = self._account.publication_bucket
        s3.BucketMetric(
            "site",
            bucket=bucket,
            name="site",
            region=region,
            filter=s3.BucketMetricFilterArgs(prefix=f"{SITE_PREFIX}/"),
            opts=self._child,
        )
        where = {"BucketName": bucket, "FilterId": "site"}
        limit = _above(FALLBACK_READS, 3, 3)
        self._alarm("cdn-fallback", "AWS/S3", "GetRequests", where, limit, statistic="Sum", region=region)

    def _alarm(
        self,
        name: str,
        namespace: str,
        metric: str,
        dimensions: Mapping[str, Input[str]],
        limit: Limit,
        *,
        statistic: str | None = None,
        tail: str | None = None,
        period: int = MINUTE_SECONDS,
        region: str = GLOBAL_REGION,
    ) -> None:
        cloudwatch.MetricAlarm(
            name,
            name=self._names.of(name),
            namespace=namespace,
            metric_name=metric,
            dimensions=dimensions,
            statistic=statistic,
            extended_statistic=tail,
            evaluate_low_sample_count_percentiles="ignore" if tail else None,
            period=period,
            comparison_operator=limit.operator,
            threshold=limit.threshold,
            evaluation_periods=limit.periods,
            datapoints_to_alarm=limit.bad_periods,
            treat_missing_data="notBreaching",
            alarm_actions=[self._account.alarm_topics[region]],
            ok_actions=[self._account.alarm_topics[region]],
            region=region,
            tags=self._names.tags("alarm"),
            opts=self._child,
        )

    def _few_hits(self) -> None:
        """Under 80 % of a busy minute's requests are answered from the cache: something makes them all differ."""
        few = cloudwatch.MetricAlarmMetricQueryArgs
        cloudwatch.MetricAlarm(
            "cdn-few-hits",
            name=self._names.of("cdn-few-hits"),
            metric_queries=[
                self._query("hits", "CacheHitRate", "Average"),
                self._query("requests", "Requests", "Sum"),
                few(id="busy", expression=f"IF(requests > {BUSY_REQUESTS}, hits, 100)", label="hits", return_data=True),
            ],
            comparison_operator="LessThanThreshold",
            threshold=80,
            evaluation_periods=5,
            datapoints_to_alarm=5,
            treat_missing_data="notBreaching",
            alarm_actions=[self._account.alarm_topics[GLOBAL_REGION]],
            ok_actions=[self._account.alarm_topics[GLOBAL_REGION]],
            region=GLOBAL_REGION,
            tags=self._names.tags("alarm"),
            opts=self._child,
        )

    def _query(self, id_: str, metric: str, statistic: str) -> cloudwatch.MetricAlarmMetricQueryArgs:
        return cloudwatch.MetricAlarmMetricQueryArgs(
            id=id_,
            metric=cloudwatch.MetricAlarmMetricQueryMetricArgs(
                namespace="AWS/CloudFront",
                metric_name=metric,
                dimensions=self._cdn,
                stat=statistic,
                period=MINUTE_SECONDS,
            ),
        )


def _above(threshold: float, periods: int, bad_periods: int) -> Limit:
    return Limit("GreaterThanThreshold", threshold, periods, bad_periods)
