"""The load balancer of an AWS location: whom it answers, with what, and how it divides requests."""

import json
import re
from pathlib import Path
from typing import Any

from tests.program.aws_site import HOME, OTHER
from tests.stands.graph import Graph, Resource
from tests.stands.recording.world import ACCOUNT

PROJECT = Path(__file__).resolve().parents[2]


def test_a_request_without_the_cdns_secret_gets_403(usual: Graph) -> None:
    (action,) = usual.inputs("Listener", "jakarta-https")["defaultActions"]
    assert (action["type"], action["fixedResponse"]["statusCode"]) == ("fixed-response", "403")
    (rule,) = [made.inputs for made in usual.of_type("ListenerRule") if made.name.startswith("jakarta")]
    (condition,) = rule["conditions"]
    assert condition["httpHeader"] == {
        "httpHeaderName": "x-tegak-origin",
        "values": [usual.outputs["origin"]["secret"]],
    }
    (forward,) = rule["actions"]
    assert forward["type"] == "forward"


def test_the_listener_speaks_modern_tls_on_443_and_nothing_listens_elsewhere(usual: Graph) -> None:
    listeners = [made.inputs for made in usual.of_type("Listener")]
    assert {(listener["port"], listener["protocol"]) for listener in listeners} == {(443, "HTTPS")}
    assert {listener["sslPolicy"] for listener in listeners} == {"ELBSecurityPolicy-TLS13-1-2-Res-2021-06"}
    assert len(listeners) == 2


def test_requests_are_encrypted_up_to_the_hosts(usual: Graph) -> None:
    group = usual.inputs("TargetGroup", "jakarta-app")
    assert (group["protocol"], group["port"], group["healthCheck"]["protocol"]) == ("HTTPS", 443, "HTTPS")


def test_a_host_that_fails_twice_gets_no_more_requests(usual: Graph) -> None:
    check = usual.inputs("TargetGroup", "jakarta-app")["healthCheck"]
    assert (check["path"], check["matcher"], check["unhealthyThreshold"]) == ("/healthz", "200", 2)
    assert check["timeout"] < check["interval"] <= 5


def test_slow_hosts_get_less_and_slow_start_which_excludes_that_is_off(usual: Graph) -> None:
    for made in usual.of_type("TargetGroup"):
        assert made.inputs["loadBalancingAlgorithmType"] == "least_outstanding_requests"
        assert "slowStart" not in made.inputs


def nginx_seconds(directive: str) -> int:
    text = (PROJECT / "templates/app/etc/nginx/nginx.conf.j2").read_text(encoding="utf-8")
    text = re.sub(r"upstream results \{.*?\n    \}", "", text, flags=re.DOTALL)  # between nginx and the service
    (seconds,) = set(re.findall(rf"{directive} (\d+)s;", text))
    return int(seconds)


def test_the_side_that_sends_requests_closes_idle_connections_first(usual: Graph) -> None:
    assert usual.inputs("LoadBalancer", "jakarta-lb")["idleTimeout"] < nginx_seconds("keepalive_timeout")


def test_a_host_that_leaves_has_time_for_the_longest_request(usual: Graph) -> None:
    assert usual.inputs("TargetGroup", "jakarta-app")["deregistrationDelay"] > nginx_seconds("proxy_read_timeout")


def test_the_load_balancer_is_public_logged_strict_and_not_deleted_by_mistake(usual: Graph) -> None:
    balancer = usual.inputs("LoadBalancer", "singapura-lb")
    assert not balancer["internal"]
    assert balancer["dropInvalidHeaderFields"]
    assert balancer["enableDeletionProtection"]
    logs = usual.one("Bucket", f"tegak-uji-log-{OTHER}").id
    assert balancer["accessLogs"] == {"bucket": logs, "prefix": "lb/singapura", "enabled": True}
    assert balancer["subnets"] == [usual.one("Subnet", f"singapura-public-{zone}").id for zone in (1, 2)]
    assert balancer["securityGroups"] == [usual.one("SecurityGroup", f"singapura-{name}").id for name in ("cdn", "lb")]


def test_names_that_aws_limits_to_32_characters_fit_with_the_longest_location(other: Graph) -> None:
    limited = other.of_type("LoadBalancer", "TargetGroup")
    assert len(limited) == 4
    # What the provider adds to a name lets a replacement be there before what it replaces is gone.
    assert all(made.name < made.inputs["name"] and len(made.inputs["name"]) <= 32 for made in limited)


def of_the_origin(graph: Graph) -> dict[str, Resource]:
    return {made.name: made for made in graph.of_type("Certificate") if made.name.startswith("origin")}


def test_each_region_has_a_certificate_and_all_share_one_proof(usual: Graph) -> None:
    certificates = of_the_origin(usual)
    assert set(certificates) == {f"origin-{HOME}", f"origin-{OTHER}", "origin-exported"}
    assert {certificate.inputs["domainName"] for certificate in certificates.values()} == {"*.asal.uji.test"}
    (record,) = [made for made in usual.of_type("Record") if made.inputs["name"].endswith(".asal.uji.test.")]
    validated = [made for made in usual.of_type("CertificateValidation") if made.name in certificates]
    assert {made.name: made.inputs["certificateArn"] for made in validated} == {
        name: certificate.arn for name, certificate in certificates.items()
    }
    assert {urn for made in validated for urn in made.property_dependencies["validationRecordFqdns"]} == {record.urn}


def test_two_locations_of_one_region_share_its_certificate(other: Graph) -> None:
    assert set(of_the_origin(other)) == {f"origin-{OTHER}", "origin-exported"}


def test_no_certificate_names_the_origin_and_no_key_leaves_aws_where_nobody_needs_it(usual: Graph) -> None:
    """The logs of certificates are public, and an exportable certificate is paid for."""
    name = usual.outputs["origin"]["name"].partition(".")[0]
    assert not [made.name for made in usual.of_type("Certificate") if name in str(made.inputs)]
    exported = {made.name: made.inputs["options"]["export"] for made in usual.of_type("Certificate")}
    assert exported == {
        "site": "DISABLED",
        f"origin-{HOME}": "DISABLED",
        f"origin-{OTHER}": "DISABLED",
        "origin-exported": "ENABLED",
    }


def test_without_machines_that_one_owns_no_key_of_a_certificate_leaves_aws(smaller: Graph) -> None:
    assert {made.inputs["options"]["export"] for made in smaller.of_type("Certificate")} == {"DISABLED"}


def test_the_listener_waits_for_its_regions_valid_certificate(usual: Graph) -> None:
    for name, region in (("jakarta", HOME), ("singapura", OTHER)):
        listener = usual.one("Listener", f"{name}-https")
        assert listener.inputs["certificateArn"] == of_the_origin(usual)[f"origin-{region}"].arn
        assert ("CertificateValidation", f"origin-{region}") in usual.needed_by(listener)


def reserve_calls(aws: Graph) -> dict[str, tuple[str, dict[str, Any]]]:
    return {
        made.name: (made.inputs["scheduleExpression"], json.loads(made.inputs["target"]["input"]))
        for made in aws.of_type("Schedule")
        if "scheduler" in made.type
    }


def test_capacity_is_reserved_half_an_hour_before_the_night_and_given_back_after_it(usual: Graph) -> None:
    calls = reserve_calls(usual)
    expression, call = calls["jakarta-lb-reserve"]
    assert expression == "at(2029-02-14T04:30:00)"  # 11:30 WIB
    assert call["MinimumLoadBalancerCapacity"] == {"CapacityUnits": 500}
    assert call["LoadBalancerArn"] == usual.one("LoadBalancer", "jakarta-lb").arn
    expression, call = calls["jakarta-lb-give-back"]
    assert expression == "at(2029-02-14T17:00:00)"  # midnight WIB
    assert call["ResetCapacityReservation"] is True
    assert len(calls) == 2
    assert "minimumLoadBalancerCapacity" not in usual.inputs("LoadBalancer", "jakarta-lb")


def test_an_up_in_the_night_keeps_the_reserved_capacity(in_the_night: Graph) -> None:
    assert in_the_night.inputs("LoadBalancer", "jakarta-lb")["minimumLoadBalancerCapacity"] == {"capacityUnits": 500}
    assert set(reserve_calls(in_the_night)) == {"jakarta-lb-give-back"}


def test_after_the_night_nothing_is_reserved_or_scheduled(after_the_night: Graph) -> None:
    assert "minimumLoadBalancerCapacity" not in after_the_night.inputs("LoadBalancer", "jakarta-lb")
    assert not after_the_night.of_type("Schedule")


def test_the_scheduler_may_do_that_and_nothing_else(usual: Graph) -> None:
    (statement,) = json.loads(usual.inputs("RolePolicy", "jakarta-reserve")["policy"])["Statement"]
    assert statement["Action"] == ["elasticloadbalancing:ModifyCapacityReservation"]
    (resource,) = statement["Resource"]
    assert resource == usual.one("LoadBalancer", "jakarta-lb").arn
    (trusted,) = json.loads(usual.inputs("Role", "jakarta-reserve")["assumeRolePolicy"])["Statement"]
    assert trusted["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trusted["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_without_reserved_units_there_is_no_scheduler(smaller: Graph) -> None:
    assert not [made for made in smaller.resources if "scheduler" in made.type]
    assert not [made for made in smaller.of_type("Role") if made.name.endswith("-reserve")]
