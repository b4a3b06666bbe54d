"""The CDN's firewall, logs and alarms."""

from typing import Any

import pytest

from infra.aws.cdn.firewall import limit_per_address
from tests.program.aws_site import GLOBAL, HOME
from tests.stands.graph import Graph


@pytest.fixture(scope="module")
def cdn(usual: Graph) -> Graph:
    return usual.below("tegak:aws:Cdn")


def rules(cdn: Graph) -> dict[str, dict[str, Any]]:
    return {rule["name"]: rule for rule in cdn.inputs("wafv2/webAcl:WebAcl")["rules"]}


def test_the_firewall_lets_through_and_counts_until_it_is_told_to_block(cdn: Graph, other: Graph) -> None:
    acl = cdn.inputs("wafv2/webAcl:WebAcl")
    assert (acl["scope"], acl["defaultAction"]) == ("CLOUDFRONT", {"allow": {}})
    for rule in rules(cdn).values():
        assert (rule.get("action") or rule.get("overrideAction")) == {"count": {}}
    blocking = rules(other)
    for name in ("per-address", "uncached-paths"):
        assert blocking[name]["action"]["block"]["customResponse"]["responseCode"] == 429
    assert blocking["known-bad-inputs"]["overrideAction"] == {"none": {}}
    assert blocking["reputation"]["overrideAction"] == {"count": {}}, "it lists addresses that whole towns share"


def test_a_town_behind_one_address_is_under_the_limit(cdn: Graph) -> None:
    statement = rules(cdn)["per-address"]["statement"]["rateBasedStatement"]
    people, polls, requests = 20_000, 300 // 30, 2
    assert statement["limit"] == limit_per_address(30) == people * polls * requests
    assert (statement["aggregateKeyType"], statement["evaluationWindowSec"]) == ("IP", 300)
    assert limit_per_address(1) <= 2_000_000_000, "AWS takes no more"


def test_what_is_not_cached_has_a_limit_of_its_own(cdn: Graph) -> None:
    statement = rules(cdn)["uncached-paths"]["statement"]["rateBasedStatement"]
    paths = statement["scopeDownStatement"]["orStatement"]["statements"]
    assert {path["byteMatchStatement"]["searchString"] for path in paths} == {"/healthz", "/version"}
    assert statement["limit"] < limit_per_address(30)


def test_the_firewall_notes_what_met_a_rule_and_nothing_of_others(usual: Graph, cdn: Graph) -> None:
    logging = cdn.one("WebAclLoggingConfiguration")
    log_filter = logging.inputs["loggingFilter"]
    assert log_filter["defaultBehavior"] == "DROP"
    conditions = log_filter["filters"][0]["conditions"]
    assert {c["actionCondition"]["action"] for c in conditions} >= {"BLOCK", "COUNT"}
    assert ("LogResourcePolicy", "firewall") in cdn.needed_by(logging), "AWS may write before it is asked to"
    group = cdn.inputs("cloudwatch/logGroup:LogGroup")
    assert group["name"].startswith("aws-waf-logs-")
    assert group["kmsKeyId"] == usual.one("Key", f"key-{GLOBAL}").arn
    acl = cdn.one("WebAcl").arn
    assert cdn.inputs("cloudfront/distribution:Distribution")["webAclId"] == logging.inputs["resourceArn"] == acl


def test_access_logs_name_no_reader(usual: Graph, cdn: Graph) -> None:
    fields = set(cdn.inputs("LogDelivery")["recordFields"])
    assert not fields & {"c-ip", "c-port", "x-forwarded-for", "cs(User-Agent)", "cs(Referer)", "cs(Cookie)"}
    assert {"sc-status", "cs-uri-stem", "time-taken", "x-edge-result-type"} <= fields
    source, destination = cdn.inputs("LogDeliverySource"), cdn.inputs("LogDeliveryDestination")
    assert source["resourceArn"] == cdn.one("Distribution").arn
    target = destination["deliveryDestinationConfiguration"]["destinationResourceArn"]
    assert target == usual.one("Bucket", f"tegak-uji-log-{GLOBAL}").arn


def test_every_alarm_reaches_the_people_of_its_own_region_and_says_what_it_is(usual: Graph) -> None:
    for alarm in usual.of_type("cloudwatch/metricAlarm:MetricAlarm"):
        topic = usual.one("Topic", f"alarm-{alarm.region}").arn
        assert alarm.inputs["alarmActions"] == alarm.inputs["okActions"] == [topic], alarm.name
        assert alarm.inputs["alarmDescription"], alarm.name


def test_there_is_an_alarm_for_each_thing_that_the_public_feels(cdn: Graph) -> None:
    alarms = {
        alarm.name: (alarm.inputs.get("metricName"), alarm.inputs["comparisonOperator"], alarm.inputs["threshold"])
        for alarm in cdn.of_type("cloudwatch/metricAlarm:MetricAlarm")
    }
    assert alarms == {
        "cdn-errors": ("5xxErrorRate", "GreaterThanThreshold", 1),
        "cdn-slow-origin": ("OriginLatency", "GreaterThanThreshold", 2000),
        "cdn-few-hits": (None, "LessThanThreshold", 80),
        "cdn-near-quota": ("Requests", "GreaterThanThreshold", 250_000 * 60 * 0.8),
        "cdn-certificate": ("DaysToExpiry", "LessThanThreshold", 21),
        "cdn-fallback": ("GetRequests", "GreaterThanThreshold", 10),
        "origin-kementerian": ("HealthCheckStatus", "LessThanThreshold", 1),
    }


def test_the_metrics_of_alarms_are_measured_at_all(usual: Graph, cdn: Graph) -> None:
    subscription = cdn.inputs("MonitoringSubscription")
    assert subscription["distributionId"] == cdn.one("Distribution").id
    config = subscription["monitoringSubscription"]["realtimeMetricsSubscriptionConfig"]
    assert config == {"realtimeMetricsSubscriptionStatus": "Enabled"}
    metric, alarm = cdn.inputs("BucketMetric"), cdn.one("cloudwatch/metricAlarm:MetricAlarm", "cdn-fallback")
    assert metric["filter"] == {"prefix": "site/"}
    assert alarm.inputs["dimensions"] == {
        "BucketName": usual.one("Bucket", "tegak-uji-publication").id,
        "FilterId": metric["name"],
    }
    assert alarm.region == metric["region"] == HOME


def test_few_readers_raise_no_alarm_about_hits(cdn: Graph) -> None:
    queries = {q["id"]: q for q in cdn.inputs("cloudwatch/metricAlarm:MetricAlarm", "cdn-few-hits")["metricQueries"]}
    assert queries["hits"]["expression"] == "IF(requests > 60000, rate, 100)"
    assert [query["id"] for query in queries.values() if query["returnData"]] == ["hits"]
    for name, metric in (("rate", "CacheHitRate"), ("requests", "Requests")):
        assert queries[name]["metric"]["metricName"] == metric
        assert queries[name]["metric"]["dimensions"] == {
            "DistributionId": cdn.one("Distribution").id,
            "Region": "Global",
        }
