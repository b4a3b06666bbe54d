"""What the CDN tells of itself, within minutes."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import cloudfront, s3

from infra.aws.alarms import MINUTE_SECONDS, Alarm, Expression, Measure, make_alarm
from infra.aws.outputs import AccountOutputs
from infra.bridge.bucket_layout import SITE_PREFIX
from infra.settings.regions import GLOBAL_REGION

DAY_SECONDS = 86_400
BUSY_REQUESTS = 60_000
"""Requests a minute from which a share of hits means something: with few, most are the first in ten seconds."""

FALLBACK_READS = 10
"""Reads of the bucket in a minute: an answer that failed once is asked for there too."""

BUCKET_FIGURES = "site"
"""What requests to the public part of the bucket are counted under."""


@dataclass(frozen=True)
class WatchedCdn:
    """What the CDN's alarms watch.

    Args:
        distribution: The distribution's id.
        requests_quota: Requests a second that AWS lets it have.
        health_checks: Health checks of locations that are no load balancers of AWS, by location.
        certificate: The certificate's ARN.
        publication_bucket: Name of the bucket that it falls back to.
        publication_region: Where that is.
    """

    distribution: Output[str]
    requests_quota: int
    health_checks: Mapping[str, Output[str]]
    certificate: Output[str]
    publication_bucket: Output[str]
    publication_region: str

    def cdn(self, metric: str, statistic: str) -> Measure:
        """A figure of the distribution."""
        dimensions = {"DistributionId": self.distribution, "Region": "Global"}
        return Measure("AWS/CloudFront", metric, statistic, dimensions)


class CdnAlarms(pulumi.ComponentResource):
    """Alarms of what the public feels, to the people of the region's topic, and what they need to be measured.

    Args:
        account: What is shared.
        watched: What they watch.
    """

    def __init__(self, account: AccountOutputs, watched: WatchedCdn, opts: ResourceOptions | None = None) -> None:
        super().__init__("tegak:aws:CdnAlarms", "cdn-alarms", None, opts)
        child = ResourceOptions(parent=self)
        _measure_more(watched, child)
        for region, alarms in (
            (GLOBAL_REGION, [*_of_answers(watched), *_of_limits(watched), *_of_locations(watched)]),
            (watched.publication_region, [_of_fallback(watched)]),
        ):
            for alarm in alarms:
                make_alarm(
                    alarm,
                    alarm.name,
                    region=region,
                    topic=account.alarm_topics[region],
                    tags=account.names.tags("alarm"),
                    name=account.names.of(alarm.name),
                    opts=child,
                )
        self.register_outputs({})


def _measure_more(watched: WatchedCdn, child: ResourceOptions) -> None:
    """Hit ratio, origin latency and reads of the bucket are measured only when asked for, at a price."""
    status = cloudfront.MonitoringSubscriptionMonitoringSubscriptionRealtimeMetricsSubscriptionConfigArgs(
        realtime_metrics_subscription_status="Enabled"
    )
    cloudfront.MonitoringSubscription(
        "cdn",
        distribution_id=watched.distribution,
        monitoring_subscription=cloudfront.MonitoringSubscriptionMonitoringSubscriptionArgs(
            realtime_metrics_subscription_config=status
        ),
        opts=child,
    )
    s3.BucketMetric(
        "site",
        bucket=watched.publication_bucket,
        name=BUCKET_FIGURES,
        region=watched.publication_region,
        filter=s3.BucketMetricFilterArgs(prefix=f"{SITE_PREFIX}/"),
        opts=child,
    )


def _of_answers(watched: WatchedCdn) -> list[Alarm]:
    # Without a request there is no figure, and nobody who would miss an answer.
    hits = Expression(
        "hits",
        f"IF(requests > {BUSY_REQUESTS}, rate, 100)",
        {"rate": watched.cdn("CacheHitRate", "Average"), "requests": watched.cdn("Requests", "Sum")},
    )
    return [
        Alarm(
            "cdn-errors",
            watched.cdn("5xxErrorRate", "Average"),
            "GreaterThanThreshold",
            1,
            description="more than 1 % of the CDN's answers are errors, three minutes long. fab status",
            missing="notBreaching",
            periods=3,
        ),
        Alarm(
            "cdn-slow-origin",
            watched.cdn("OriginLatency", "p95"),
            "GreaterThanThreshold",
            2000,
            description="one answer of the locations in 20 takes more than 2 s, three minutes of five. fab status",
            missing="notBreaching",
            ignores_few_samples=True,
        ),
        Alarm(
            "cdn-few-hits",
            hits,
            "LessThanThreshold",
            80,
            description="under 80 % of a busy minute's requests are answered from the cache: "
            "something makes them all differ",
            missing="notBreaching",
            bad_periods=5,
        ),
    ]


def _of_limits(watched: WatchedCdn) -> list[Alarm]:
    certificate = {"CertificateArn": watched.certificate}
    return [
        Alarm(
            "cdn-near-quota",
            watched.cdn("Requests", "Sum"),
            "GreaterThanThreshold",
            watched.requests_quota * MINUTE_SECONDS * 4 / 5,
            description="four fifths of the requests that AWS lets the distribution have. Have the quota raised",
            missing="notBreaching",
            bad_periods=1,
            periods=1,
        ),
        Alarm(
            "cdn-certificate",
            Measure("AWS/CertificateManager", "DaysToExpiry", "Minimum", certificate, DAY_SECONDS),
            "LessThanThreshold",
            21,
            # AWS renews 45 days ahead or more.
            description="the site's certificate ends in less than 21 days: AWS has tried in vain to renew it",
            missing="notBreaching",
            bad_periods=1,
            periods=1,
        ),
    ]


def _of_locations(watched: WatchedCdn) -> list[Alarm]:
    """Of load balancers of AWS, their own region's alarms tell."""
    return [
        Alarm(
            f"origin-{location}",
            Measure("AWS/Route53", "HealthCheckStatus", "Minimum", {"HealthCheckId": check}),
            "LessThanThreshold",
            1,
            description=f"{location}: AWS's checkers see it no more, and the CDN asks the others. fab status",
            missing="notBreaching",
            bad_periods=2,
            periods=2,
        )
        for location, check in watched.health_checks.items()
    ]


def _of_fallback(watched: WatchedCdn) -> Alarm:
    reads = {"BucketName": watched.publication_bucket, "FilterId": BUCKET_FIGURES}
    return Alarm(
        "cdn-fallback",
        Measure("AWS/S3", "GetRequests", "Sum", reads),
        "GreaterThanThreshold",
        FALLBACK_READS,
        description="the CDN reads the bucket: the locations don't answer, and the public may not even notice. "
        "fab status",
        # Reported only when it happens.
        missing="notBreaching",
        periods=3,
    )
