"""The CDN's firewall, logs and alarms, under mocks."""

from typing import Any

import pytest

from infra.aws.cdn.firewall import limit_per_address
from tests.program.aws_mocks import ACCOUNT, Graph
from tests.program.aws_programs import GLOBAL, HOME, TOPICS, cdn_graph


@pytest.fixture(scope="module")
def graph() -> Graph:
    return cdn_graph()


def rules(graph: Graph) -> dict[str, dict[str, Any]]:
    return {rule["name"]: rule for rule in graph.inputs("wafv2/webAcl:WebAcl")["rules"]}


def test_the_firewall_lets_through_and_counts_until_it_is_told_to_block(graph: Graph) -> None:
    acl = graph.inputs("wafv2/webAcl:WebAcl")
    assert (acl["scope"], acl["defaultAction"]) == ("CLOUDFRONT", {"allow": {}})
    for rule in rules(graph).values():
        assert (rule.get("action") or rule.get("overrideAction")) == {"count": {}}
    blocking = rules(cdn_graph("block"))
    for name in ("per-address", "uncached-paths"):
        assert blocking[name]["action"]["block"]["customResponse"]["responseCode"] == 429
    assert blocking["known-bad-inputs"]["overrideAction"] == {"none": {}}
    assert blocking["reputation"]["overrideAction"] == {"count": {}}, "it lists addresses that whole towns share"


def test_a_town_behind_one_address_is_under_the_limit(graph: Graph) -> None:
    statement = rules(graph)["per-address"]["statement"]["rateBasedStatement"]
    people, polls, requests = 20_000, 300 // 30, 2
    assert statement["limit"] == limit_per_address(30) == people * polls * requests
    assert (statement["aggregateKeyType"], statement["evaluationWindowSec"]) == ("IP", 300)
    assert limit_per_address(1) <= 2_000_000_000, "AWS takes no more"


def test_what_is_not_cached_has_a_limit_of_its_own(graph: Graph) -> None:
    statement = rules(graph)["uncached-paths"]["statement"]["rateBasedStatement"]
    paths = statement["scopeDownStatement"]["orStatement"]["statements"]
    assert {path["byteMatchStatement"]["searchString"] for path in paths} == {"/healthz", "/version"}
    assert statement["limit"] < limit_per_address(30)


def test_the_firewall_notes_what_met_a_rule_and_nothing_of_others(graph: Graph) -> None:
    logging = graph.one("WebAclLoggingConfiguration")
    log_filter = logging.inputs["loggingFilter"]
    assert log_filter["defaultBehavior"] == "DROP"
    conditions = log_filter["filters"][0]["conditions"]
    assert {c["actionCondition"]["action"] for c in conditions} >= {"BLOCK", "COUNT"}
    assert "LogResourcePolicy firewall" in logging.depends_on, "AWS may write before it is asked to"
    group = graph.inputs("cloudwatch/logGroup:LogGroup")
    assert group["name"].startswith("aws-waf-logs-")
    assert group["kmsKeyId"].endswith("key/1")
    acl = f"arn:aws:webacl:{GLOBAL}:{ACCOUNT}:firewall"
    assert graph.inputs("cloudfront/distribution:Distribution")["webAclId"] == logging.inputs["resourceArn"] == acl


def test_access_logs_name_no_reader(graph: Graph) -> None:
    fields = set(graph.inputs("LogDelivery")["recordFields"])
    assert not fields & {"c-ip", "c-port", "x-forwarded-for", "cs(User-Agent)", "cs(Referer)", "cs(Cookie)"}
    assert {"sc-status", "cs-uri-stem", "time-taken", "x-edge-result-type"} <= fields
    source, destination = graph.inputs("LogDeliverySource"), graph.inputs("LogDeliveryDestination")
    assert source["resourceArn"].endswith(":distribution/E1")
    target = destination["deliveryDestinationConfiguration"]["destinationResourceArn"]
    assert target == "arn:aws:s3:::logs-of-virginia"


def test_every_alarm_reaches_the_people_of_its_own_region_and_says_what_it_is(graph: Graph) -> None:
    for alarm in graph.of_type("cloudwatch/metricAlarm:MetricAlarm"):
        assert alarm.region in TOPICS
        assert alarm.inputs["alarmActions"] == alarm.inputs["okActions"] == [TOPICS[alarm.region]], alarm.name
        assert alarm.inputs["alarmDescription"], alarm.name


def test_there_is_an_alarm_for_each_thing_that_the_public_feels(graph: Graph) -> None:
    alarms = {
        alarm.name: (alarm.inputs.get("metricName"), alarm.inputs["comparisonOperator"], alarm.inputs["threshold"])
        for alarm in graph.of_type("cloudwatch/metricAlarm:MetricAlarm")
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


def test_the_metrics_of_alarms_are_measured_at_all(graph: Graph) -> None:
    subscription = graph.inputs("MonitoringSubscription")
    assert subscription["distributionId"] == "site-id"
    config = subscription["monitoringSubscription"]["realtimeMetricsSubscriptionConfig"]
    assert config == {"realtimeMetricsSubscriptionStatus": "Enabled"}
    metric, alarm = graph.inputs("BucketMetric"), graph.one("cloudwatch/metricAlarm:MetricAlarm", "cdn-fallback")
    assert metric["filter"] == {"prefix": "site/"}
    assert alarm.inputs["dimensions"] == {"BucketName": "publication", "FilterId": metric["name"]}
    assert alarm.region == metric["region"] == HOME


def test_few_readers_raise_no_alarm_about_hits(graph: Graph) -> None:
    queries = {q["id"]: q for q in graph.inputs("cloudwatch/metricAlarm:MetricAlarm", "cdn-few-hits")["metricQueries"]}
    assert queries["hits"]["expression"] == "IF(requests > 60000, rate, 100)"
    assert [query["id"] for query in queries.values() if query["returnData"]] == ["hits"]
    for name, metric in (("rate", "CacheHitRate"), ("requests", "Requests")):
        assert queries[name]["metric"]["metricName"] == metric
        assert queries[name]["metric"]["dimensions"] == {"DistributionId": "site-id", "Region": "Global"}
