"""The load balancer of an AWS location: whom it answers, with what, and how it divides requests."""

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pulumi
from pulumi import Output

from infra.aws.location.certificates import OriginCertificates
from tests.program.aws import BEFORE, HOME, OTHER, SECRET, AwsRecorder, account, changed, make

PROJECT = Path(__file__).resolve().parents[2]
SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key by which the engine knows a secret from other values."""

LONGEST_NAME = "abcdefghijkl"
SUFFIX = "-1234567"
"""What the engine adds to a name, so that a replacement can be there before what it replaces is gone."""


def test_a_request_without_the_cdns_secret_gets_403(usual: AwsRecorder) -> None:
    (action,) = usual.one("Listener", "jakarta-https")["defaultActions"]
    assert (action["type"], action["fixedResponse"]["statusCode"]) == ("fixed-response", "403")
    (rule,) = [made.inputs for made in usual.of_type("ListenerRule") if made.name.startswith("jakarta")]
    (condition,) = rule["conditions"]["value"]
    assert condition["httpHeader"] == {"httpHeaderName": "x-tegak-origin", "values": [SECRET]}
    (forward,) = rule["actions"]
    assert forward["type"] == "forward"


def test_the_secret_is_one_wherever_it_is_used(usual: AwsRecorder) -> None:
    for made in usual.made:
        plain = {key: value for key, value in made.inputs.items() if SIGNATURE not in json.dumps(value)}
        assert SECRET not in json.dumps(plain), made.name


def test_the_listener_speaks_modern_tls_on_443_and_nothing_listens_elsewhere(usual: AwsRecorder) -> None:
    listeners = [made.inputs for made in usual.of_type("Listener")]
    assert {(listener["port"], listener["protocol"]) for listener in listeners} == {(443, "HTTPS")}
    assert {listener["sslPolicy"] for listener in listeners} == {"ELBSecurityPolicy-TLS13-1-2-Res-2021-06"}
    assert len(listeners) == 2


def test_requests_are_encrypted_up_to_the_hosts(usual: AwsRecorder) -> None:
    group = usual.one("TargetGroup", "jakarta-app")
    assert (group["protocol"], group["port"], group["healthCheck"]["protocol"]) == ("HTTPS", 443, "HTTPS")


def test_a_host_that_fails_twice_gets_no_more_requests(usual: AwsRecorder) -> None:
    check = usual.one("TargetGroup", "jakarta-app")["healthCheck"]
    assert (check["path"], check["matcher"], check["unhealthyThreshold"]) == ("/healthz", "200", 2)
    assert check["timeout"] < check["interval"] <= 5


def test_slow_hosts_get_less_and_slow_start_which_excludes_that_is_off(usual: AwsRecorder) -> None:
    for made in usual.of_type("TargetGroup"):
        assert made.inputs["loadBalancingAlgorithmType"] == "least_outstanding_requests"
        assert "slowStart" not in made.inputs


def nginx_seconds(directive: str) -> int:
    text = (PROJECT / "templates/app/etc/nginx/nginx.conf.j2").read_text(encoding="utf-8")
    (seconds,) = set(re.findall(rf"{directive} (\d+)s;", text))
    return int(seconds)


def test_the_side_that_sends_requests_closes_idle_connections_first(usual: AwsRecorder) -> None:
    assert usual.one("LoadBalancer", "jakarta-lb")["idleTimeout"] < nginx_seconds("keepalive_timeout")


def test_a_host_that_leaves_has_time_for_the_longest_request(usual: AwsRecorder) -> None:
    assert usual.one("TargetGroup", "jakarta-app")["deregistrationDelay"] > nginx_seconds("proxy_read_timeout")


def test_the_load_balancer_is_public_logged_strict_and_not_deleted_by_mistake(usual: AwsRecorder) -> None:
    balancer = usual.one("LoadBalancer", "singapura-lb")
    assert not balancer["internal"]
    assert balancer["dropInvalidHeaderFields"]
    assert balancer["enableDeletionProtection"]
    assert balancer["accessLogs"] == {"bucket": f"log-{OTHER}", "prefix": "lb/singapura", "enabled": True}
    assert balancer["subnets"] == ["singapura-public-1-id", "singapura-public-2-id"]
    assert balancer["securityGroups"] == ["singapura-cdn-id", "singapura-lb-id"]


def test_names_that_aws_limits_to_32_characters_fit_with_the_longest_location(aws: AwsRecorder) -> None:
    make(changed(name=LONGEST_NAME))
    limited = [*aws.of_type("LoadBalancer"), *aws.of_type("TargetGroup")]
    assert len(limited) == 4
    assert all("name" not in made.inputs and len(made.name + SUFFIX) <= 32 for made in limited)


def test_each_region_has_a_certificate_and_all_share_one_proof(usual: AwsRecorder) -> None:
    certificates = {made.inputs["region"]: made.inputs for made in usual.of_type("Certificate")}
    assert set(certificates) == {HOME, OTHER}
    assert {certificate["domainName"] for certificate in certificates.values()} == {"*.asal.uji.test"}
    (record,) = usual.of_type("Record")
    assert record.inputs["name"] == "_proof.asal.uji.test."
    validated = {made.inputs["region"] for made in usual.of_type("CertificateValidation")}
    assert validated == {HOME, OTHER}


def test_two_locations_of_one_region_share_its_certificate(aws: AwsRecorder) -> None:
    make(changed(region=OTHER))
    assert [made.inputs["region"] for made in aws.of_type("Certificate")] == [OTHER]


def test_no_certificate_names_the_origin_and_no_key_leaves_aws_where_nobody_needs_it(usual: AwsRecorder) -> None:
    """The logs of certificates are public, and an exportable certificate is paid for."""
    for made in usual.of_type("Certificate"):
        assert "0123456789ab" not in str(made.inputs)
        assert made.inputs["options"] == {"export": "DISABLED"}


def test_load_balancers_that_one_owns_have_a_certificate_of_their_own_with_the_same_proof(aws: AwsRecorder) -> None:
    @pulumi.runtime.test  # pyright: ignore[reportUnknownMemberType]
    def program() -> Output[str] | None:
        return OriginCertificates(account(), [OTHER], exported_in=HOME).exported

    program()
    certificates = {made.inputs["region"]: made.inputs for made in aws.of_type("Certificate")}
    assert {region: made["options"]["export"] for region, made in certificates.items()} == {
        OTHER: "DISABLED",
        HOME: "ENABLED",
    }
    assert certificates[HOME]["domainName"] == certificates[OTHER]["domainName"]
    assert len(aws.of_type("Record")) == 1


def test_the_listener_waits_for_its_regions_valid_certificate(usual: AwsRecorder) -> None:
    for name, region in (("jakarta", HOME), ("singapura", OTHER)):
        arn = usual.one("Listener", f"{name}-https")["certificateArn"]
        assert f":{region}:" in arn
        assert arn.endswith(f"Certificate/origin-{region}")


def reserve_calls(aws: AwsRecorder) -> dict[str, tuple[str, dict[str, Any]]]:
    return {
        made.name: (made.inputs["scheduleExpression"], json.loads(made.inputs["target"]["input"]))
        for made in aws.of_type("Schedule")
        if "scheduler" in made.type
    }


def test_capacity_is_reserved_half_an_hour_before_the_night_and_given_back_after_it(usual: AwsRecorder) -> None:
    calls = reserve_calls(usual)
    expression, call = calls["jakarta-lb-reserve"]
    assert expression == "at(2029-02-14T04:30:00)"  # 11:30 WIB
    assert call["MinimumLoadBalancerCapacity"] == {"CapacityUnits": 500}
    assert call["LoadBalancerArn"].endswith("LoadBalancer/jakarta-lb")
    expression, call = calls["jakarta-lb-give-back"]
    assert expression == "at(2029-02-14T17:00:00)"  # midnight WIB
    assert call["ResetCapacityReservation"] is True
    assert len(calls) == 2
    assert "minimumLoadBalancerCapacity" not in usual.one("LoadBalancer", "jakarta-lb")


def test_an_up_in_the_night_keeps_the_reserved_capacity(aws: AwsRecorder) -> None:
    make(now=dt.datetime(2029, 2, 14, 10, tzinfo=dt.UTC))
    assert aws.one("LoadBalancer", "jakarta-lb")["minimumLoadBalancerCapacity"] == {"capacityUnits": 500}
    assert set(reserve_calls(aws)) == {"jakarta-lb-give-back"}


def test_after_the_night_nothing_is_reserved_or_scheduled(aws: AwsRecorder) -> None:
    make(now=BEFORE.replace(year=2030))
    assert "minimumLoadBalancerCapacity" not in aws.one("LoadBalancer", "jakarta-lb")
    assert not aws.of_type("Schedule")


def test_the_scheduler_may_do_that_and_nothing_else(usual: AwsRecorder) -> None:
    (statement,) = json.loads(usual.one("RolePolicy", "jakarta-reserve")["policy"])["Statement"]
    assert statement["Action"] == ["elasticloadbalancing:ModifyCapacityReservation"]
    (resource,) = statement["Resource"]
    assert resource.endswith("LoadBalancer/jakarta-lb")
    (trusted,) = json.loads(usual.one("Role", "jakarta-reserve")["assumeRolePolicy"])["Statement"]
    assert trusted["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trusted["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}


def test_without_reserved_units_there_is_no_scheduler(aws: AwsRecorder) -> None:
    make(changed(reserved_units=0))
    assert not [made for made in aws.made if "scheduler" in made.type]
    assert not [made for made in aws.of_type("Role") if made.name.endswith("-reserve")]
