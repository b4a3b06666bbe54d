"""The hosts of an AWS location: what they are like, how many there are, what they may do, and who hears of it."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from infra.guards import problems
from tests.program.aws_site import HOME, OTHER, changed
from tests.stands.graph import Graph, Resource
from tests.stands.recording.acts import answer
from tests.stands.recording.world import ACCOUNT


def statements(aws: Graph, location: str) -> dict[str, Mapping[str, Any]]:
    document = json.loads(aws.inputs("RolePolicy", f"{location}-host")["policy"])
    return {statement["Sid"]: statement for statement in document["Statement"]}


def sizes(aws: Graph, location: str = "jakarta") -> tuple[int, int, int]:
    group = aws.inputs("Group", f"{location}-hosts")
    return group["minSize"], group["desiredCapacity"], group["maxSize"]


def scheduled(aws: Graph, location: str = "jakarta") -> dict[str, Mapping[str, Any]]:
    made = (made for made in aws.of_type("Schedule") if "autoscaling" in made.type)
    return {made.inputs["scheduledActionName"]: made.inputs for made in made if made.name.startswith(location)}


# What a host is like.


def test_the_image_is_debians_for_arm_in_the_locations_own_region_unless_one_is_named(usual: Graph) -> None:
    newest = {"name": "/aws/service/debian/release/12/latest/arm64", "region": HOME}
    image = answer("aws:ssm/getParameter:getParameter", newest, OTHER)["value"]
    assert usual.inputs("LaunchTemplate", "jakarta-host")["imageId"] == image
    assert usual.inputs("LaunchTemplate", "singapura-host")["imageId"] == "ami-0123456789abcdef0"


def test_credentials_of_a_host_are_only_for_who_holds_a_token_on_the_host_itself(usual: Graph) -> None:
    options = usual.inputs("LaunchTemplate", "jakarta-host")["metadataOptions"]
    assert (options["httpTokens"], options["httpPutResponseHopLimit"]) == ("required", 1)


def test_disks_are_encrypted_with_the_regions_key(usual: Graph) -> None:
    for location, region in (("jakarta", HOME), ("singapura", OTHER)):
        (disk,) = usual.inputs("LaunchTemplate", f"{location}-host")["blockDeviceMappings"]
        assert (disk["ebs"]["encrypted"], disk["ebs"]["volumeType"]) == ("true", "gp3")
        assert disk["ebs"]["kmsKeyId"] == usual.one("Key", f"key-{region}").arn


def test_a_host_has_no_public_address_and_no_key_pair(usual: Graph) -> None:
    template = usual.inputs("LaunchTemplate", "jakarta-host")
    (interface,) = template["networkInterfaces"]
    assert (interface["associatePublicIpAddress"], interface["securityGroups"]) == (
        "false",
        [usual.one("SecurityGroup", "jakarta-hosts").id],
    )
    assert "keyName" not in template


def test_everything_of_a_host_can_be_booked_to_its_location(usual: Graph) -> None:
    specs = usual.inputs("LaunchTemplate", "jakarta-host")["tagSpecifications"]
    assert {spec["resourceType"] for spec in specs} == {"instance", "volume", "network-interface"}
    assert all(spec["tags"]["tegak:location"] == "jakarta" for spec in specs)


def test_a_host_gets_the_operators_key_and_its_groups_name(usual: Graph) -> None:
    script = base64.b64decode(usual.inputs("LaunchTemplate", "jakarta-host")["userData"]).decode()
    assert "ssh-ed25519 AAAA op" in script
    assert "TEGAK_GROUP=tegak-uji-jakarta\n" in script
    assert usual.inputs("Group", "jakarta-hosts")["name"] == "tegak-uji-jakarta"


def test_a_host_of_another_region_knows_where_what_is_published_is(usual: Graph) -> None:
    script = base64.b64decode(usual.inputs("LaunchTemplate", "singapura-host")["userData"]).decode()
    assert f"TEGAK_REGION={OTHER}\n" in script
    assert f"TEGAK_BUCKET={usual.outputs['publication']['bucket']}\nTEGAK_BUCKET_REGION={HOME}\n" in script


# How many there are.


def test_before_the_night_the_group_has_what_a_usual_day_needs(usual: Graph) -> None:
    assert sizes(usual) == (3, 3, 16)


def test_the_group_grows_before_the_night_and_may_shrink_after_it(usual: Graph) -> None:
    night, day = scheduled(usual)["night"], scheduled(usual)["day"]
    assert (night["startTime"], night["minSize"]) == ("2029-02-14T04:30:00Z", 8)
    assert (day["startTime"], day["minSize"]) == ("2029-02-14T17:00:00Z", 3)


def test_a_scheduled_action_takes_no_host_away(usual: Graph) -> None:
    # Left out, both would mean 0.
    assert {(a["desiredCapacity"], a["maxSize"]) for a in scheduled(usual).values()} == {(-1, -1)}


def test_an_up_in_the_night_takes_no_host_away_and_schedules_nothing_that_is_past(in_the_night: Graph) -> None:
    assert sizes(in_the_night) == (8, 8, 16)
    assert set(scheduled(in_the_night)) == {"day"}


def test_after_the_night_the_group_has_what_a_usual_day_needs(after_the_night: Graph) -> None:
    assert sizes(after_the_night) == (3, 3, 16)
    assert scheduled(after_the_night) == {}


def test_how_many_hosts_there_are_right_now_is_for_the_load_to_say_not_for_an_up(usual: Graph) -> None:
    assert usual.one("Group", "jakarta-hosts").ignored == ("desiredCapacity",)


def test_hosts_are_added_when_each_has_more_requests_a_minute_than_it_is_to_have(usual: Graph) -> None:
    tracking = usual.inputs("Policy", "jakarta-requests")["targetTrackingConfiguration"]
    assert tracking["targetValue"] == 900 * 60
    parts = (usual.one("LoadBalancer", "jakarta-lb"), usual.one("TargetGroup", "jakarta-app"))
    assert tracking["predefinedMetricSpecification"] == {
        "predefinedMetricType": "ALBRequestCountPerTarget",
        "resourceLabel": "/".join(part.outputs["arnSuffix"] for part in parts),
    }


def test_the_warm_pool_holds_as_many_stopped_hosts_as_it_says_and_no_more(usual: Graph) -> None:
    pool = usual.inputs("Group", "jakarta-hosts")["warmPool"]
    assert (pool["poolState"], pool["minSize"]) == ("Stopped", 4)
    assert pool["maxGroupPreparedCapacity"] == 3 + 4
    assert pool["instanceReusePolicy"] == {"reuseOnScaleIn": True}
    assert "warmPool" not in usual.inputs("Group", "singapura-hosts")


def test_the_group_replaces_no_host_that_only_fails_its_health_check(usual: Graph) -> None:
    # It would end hosts that a deploy takes out of the pool.
    group = usual.inputs("Group", "jakarta-hosts")
    assert group["healthCheckType"] == "EC2"
    assert "instanceRefresh" not in group
    assert group["instanceMaintenancePolicy"]["minHealthyPercentage"] == 100
    assert "AZRebalance" in group["suspendedProcesses"]


def test_a_new_host_is_held_back_until_it_is_ready_from_the_first_one_on(usual: Graph) -> None:
    (first,) = usual.inputs("Group", "jakarta-hosts")["initialLifecycleHooks"]
    hook = usual.inputs("LifecycleHook", "jakarta-ready")
    assert first == {key: hook[key] for key in first}
    assert hook["lifecycleTransition"] == "autoscaling:EC2_INSTANCE_LAUNCHING"
    assert hook["defaultResult"] == "ABANDON"


def test_the_hosts_are_in_the_private_subnets_of_all_zones_behind_the_load_balancer(usual: Graph) -> None:
    group = usual.inputs("Group", "jakarta-hosts")
    assert group["vpcZoneIdentifiers"] == [usual.one("Subnet", f"jakarta-private-{zone}").id for zone in (1, 2, 3)]
    assert group["targetGroupArns"] == [usual.one("TargetGroup", "jakarta-app").arn]


def test_the_group_may_use_the_key_of_its_disks_and_no_other_group_may(usual: Graph) -> None:
    grant = usual.inputs("Grant", "singapura-disks")
    role = usual.inputs("Group", "singapura-hosts")["serviceLinkedRoleArn"]
    assert grant["granteePrincipal"] == role == usual.one("ServiceLinkedRole", "singapura-scaling").arn
    assert grant["keyId"] == usual.one("Key", f"key-{OTHER}").arn
    assert usual.inputs("ServiceLinkedRole", "singapura-scaling")["customSuffix"] == "tegak-uji-singapura"


def test_a_host_is_found_by_its_tags(usual: Graph) -> None:
    tags = {tag["key"]: tag["value"] for tag in usual.inputs("Group", "jakarta-hosts")["tags"]}
    found_by = {"tegak:stack": "uji", "tegak:location": "jakarta", "tegak:role": "app"}
    assert found_by.items() <= tags.items()
    assert all(tag["propagateAtLaunch"] for tag in usual.inputs("Group", "jakarta-hosts")["tags"])


# What they may do.


def test_a_host_reads_what_is_published_for_it_and_nothing_of_other_locations(usual: Graph) -> None:
    read = statements(usual, "jakarta")["Read"]
    assert read["Action"] == ["s3:GetObject"]
    bucket = usual.one("Bucket", "tegak-uji-publication").arn
    assert read["Resource"] == [f"{bucket}/{prefix}/*" for prefix in ("releases", "snapshots", "hosts/jakarta")]
    prefixes = statements(usual, "jakarta")["List"]["Condition"]["StringLike"]["s3:prefix"]
    assert prefixes == ["releases/*", "snapshots/*", "hosts/jakarta/*"]


def test_a_host_writes_to_its_own_log_and_ends_the_hook_of_its_own_group(usual: Graph) -> None:
    log, ready = statements(usual, "jakarta")["Log"], statements(usual, "jakarta")["Ready"]
    assert log["Resource"] == [f"{usual.one('LogGroup', 'jakarta-hosts').arn}:log-stream:*"]
    (group,) = ready["Resource"]
    assert group == f"arn:aws:autoscaling:{HOME}:{ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/tegak-uji-jakarta"


def test_no_action_has_a_wildcard_and_every_resource_has_a_bound(usual: Graph) -> None:
    policies = [json.loads(made.inputs["policy"]) for made in usual.of_type("RolePolicy")]
    found = [statement for document in policies for statement in document["Statement"]]
    assert not [action for statement in found for action in statement["Action"] if "*" in action]
    unbound = [statement for statement in found if "*" in statement["Resource"]]
    assert [statement["Sid"] for statement in unbound] == ["Sessions", "Sessions"]
    assert all(":instance/*" in statement["Condition"]["ArnLike"]["ec2:SourceInstanceARN"] for statement in unbound)


def test_a_hosts_role_is_for_hosts_alone(usual: Graph) -> None:
    (trusted,) = json.loads(usual.inputs("Role", "jakarta-host")["assumeRolePolicy"])["Statement"]
    assert trusted["Principal"] == {"Service": "ec2.amazonaws.com"}
    assert usual.inputs("InstanceProfile", "jakarta-host")["role"] == usual.one("Role", "jakarta-host").id


def test_the_log_is_encrypted_and_not_kept_for_ever(usual: Graph) -> None:
    log = usual.inputs("LogGroup", "singapura-hosts")
    assert log["name"] == "/tegak-uji-singapura/hosts"
    assert log["kmsKeyId"] == usual.one("Key", f"key-{OTHER}").arn
    assert log["retentionInDays"] == 90


# Who hears of it.


def alarms(aws: Graph, location: str) -> dict[str, Mapping[str, Any]]:
    made = (made for made in aws.of_type("MetricAlarm") if made.name.startswith(location))
    return {made.name.removeprefix(f"{location}-"): made.inputs for made in made}


def test_every_alarm_wakes_somebody_in_its_own_region_and_says_what_it_is(usual: Graph) -> None:
    for location, region in (("jakarta", HOME), ("singapura", OTHER)):
        for alarm in alarms(usual, location).values():
            topic = [usual.one("Topic", f"alarm-{region}").arn]
            assert (alarm["alarmActions"], alarm["okActions"], alarm["region"]) == (topic, topic, region)
            assert alarm["alarmDescription"].startswith(f"{location}: ")


@pytest.mark.parametrize(
    ("name", "metric", "comparison", "threshold", "missing"),
    [
        ("unhealthy", "UnHealthyHostCount", "GreaterThanOrEqualToThreshold", 1, "notBreaching"),
        ("few", "HealthyHostCount", "LessThanThreshold", 2, "breaching"),
        ("full", "GroupDesiredCapacity", "GreaterThanOrEqualToThreshold", 16, "missing"),
        ("slow", "TargetResponseTime", "GreaterThanThreshold", 1, "notBreaching"),
        ("rejected", "RejectedConnectionCount", "GreaterThanThreshold", 0, "notBreaching"),
        ("reservation", "TargetErrorCount", "GreaterThanThreshold", 0, "notBreaching"),
    ],
)
def test_an_alarm_watches_its_figure(
    usual: Graph, name: str, metric: str, comparison: str, threshold: float, missing: str
) -> None:
    alarm = alarms(usual, "jakarta")[name]
    assert (alarm["metricName"], alarm["comparisonOperator"]) == (metric, comparison)
    assert (alarm["threshold"], alarm["treatMissingData"]) == (threshold, missing)


def test_all_that_is_wrong_with_a_location_has_an_alarm(usual: Graph) -> None:
    common = {"unhealthy", "few", "full", "errors", "slow", "rejected"}
    assert set(alarms(usual, "jakarta")) == common | {"reservation"}
    assert set(alarms(usual, "singapura")) == common


def test_slow_means_the_95th_percentile_not_the_average(usual: Graph) -> None:
    slow = alarms(usual, "jakarta")["slow"]
    assert slow["extendedStatistic"] == "p95"
    assert "statistic" not in slow


def test_errors_count_those_of_the_hosts_and_of_the_load_balancer_per_request(usual: Graph) -> None:
    queries = {query["id"]: query for query in alarms(usual, "jakarta")["errors"]["metricQueries"]}
    assert queries["percent"]["expression"] == "100 * (FILL(part1, 0) + FILL(part2, 0)) / whole"
    assert [query["id"] for query in queries.values() if query["returnData"]] == ["percent"]
    names = {name: query["metric"]["metricName"] for name, query in queries.items() if "metric" in query}
    assert names == {
        "whole": "RequestCount",
        "part1": "HTTPCode_Target_5XX_Count",
        "part2": "HTTPCode_ELB_5XX_Count",
    }


def test_the_groups_figures_that_its_alarm_watches_are_collected(usual: Graph) -> None:
    assert alarms(usual, "jakarta")["full"]["metricName"] in usual.inputs("Group", "jakarta-hosts")["enabledMetrics"]


# All of it.


def test_no_resource_of_the_site_is_one_that_the_guards_refuse(usual: Graph) -> None:
    def of(made: Resource) -> list[str]:
        return problems(made.type, made.name, made.inputs, changed())

    assert [problem for made in usual.resources for problem in of(made)] == []


def test_what_is_downstream_gets_where_to_ask_and_where_to_look_for_hosts(usual: Graph) -> None:
    balancer, target_group = usual.one("LoadBalancer", "jakarta-lb"), usual.one("TargetGroup", "jakarta-app")
    (alias,) = usual.inputs("Record", "origin-jakarta")["aliases"]
    assert (alias["name"], alias["zoneId"]) == (balancer.outputs["dnsName"], balancer.outputs["zoneId"])
    assert usual.outputs["locations"]["jakarta"] == {
        "name": "jakarta",
        "kind": "aws",
        "region": HOME,
        "tags": {"tegak:stack": "uji", "tegak:location": "jakarta", "tegak:role": "app"},
        "target_group_arn": target_group.arn,
    }
