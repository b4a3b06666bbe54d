"""The CDN: what it asks, keeps, answers and tells."""

import json
from collections.abc import Mapping
from typing import Any, cast

import pulumi
import pytest

from app.addresses import DEFAULT_PAGE
from app.rendering import Renderer
from infra.aws.cdn.caching import CONTENT_SECURITY_POLICY
from infra.aws.cdn.distribution import SHIELDS, shield_region
from infra.aws.cdn.fallback import SORRY_FILE
from infra.aws.cdn.origins import OriginRecords
from infra.aws.outputs import AccountOutputs, OriginOutputs
from infra.bridge.origin import ORIGIN_HEADER
from infra.settings.regions import REGIONS
from infra.settings.stack import parse_settings
from tests.program.aws_site import CONFIG, GLOBAL, HOME, OWNED_ADDRESS
from tests.stands.graph import Graph
from tests.stands.recording.sdk import resource_type
from tests.stands.rehearsal import rehearse


@pytest.fixture(scope="module")
def cdn(usual: Graph) -> Graph:
    return usual.below("tegak:aws:Cdn")


@pytest.fixture(scope="module")
def distribution(cdn: Graph) -> Mapping[str, Any]:
    return cdn.inputs("cloudfront/distribution:Distribution")


def origin(distribution: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    (found,) = [origin for origin in distribution["origins"] if origin["originId"] == name]
    return cast("Mapping[str, Any]", found)


def behaviours(distribution: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    ordered = {behaviour["pathPattern"]: behaviour for behaviour in distribution["orderedCacheBehaviors"]}
    return {"default": distribution["defaultCacheBehavior"], **ordered}


def test_the_public_is_told_the_sites_own_name_only(usual: Graph, cdn: Graph) -> None:
    assert usual.outputs["url"] == "https://hasil.uji.test"
    assert usual.outputs["edge"] == {"server_name": "hasil.uji.test", "url": "https://hasil.uji.test"}
    assert "cloudfront.net" not in str(usual.outputs)
    distribution = cdn.one("Distribution").outputs
    for kind in ("A", "AAAA"):
        record = cdn.inputs("route53/record:Record", f"site-{kind.lower()}")
        assert (record["name"], record["type"]) == ("hasil.uji.test", kind)
        assert record["aliases"][0]["name"] == distribution["domainName"]
        assert record["aliases"][0]["zoneId"] == distribution["hostedZoneId"]


def test_everything_is_where_a_cdn_has_to_be_or_at_home(cdn: Graph) -> None:
    assert {made.region for made in cdn.of_aws()} == {GLOBAL, HOME, ""}
    for kind in (
        "acm/certificate:Certificate",
        "wafv2/webAcl:WebAcl",
        "cloudwatch/logDeliverySource:LogDeliverySource",
    ):
        assert cdn.one(kind).region == GLOBAL


def test_everything_that_can_have_tags_has_those_of_the_stack(cdn: Graph) -> None:
    tagged = [made for made in cdn.of_aws() if resource_type(made.type).takes_tags]
    assert len(tagged) > 10
    for made in tagged:
        tags = made.inputs.get("tags", {})
        assert (tags.get("tegak:stack"), tags.get("cost-centre")) == ("uji", "pemilu"), made.name


def test_the_distribution_alone_is_protected(cdn: Graph) -> None:
    assert [made.type for made in cdn.resources if made.protect] == ["aws:cloudfront/distribution:Distribution"]


def test_the_certificate_is_of_the_sites_name_and_in_use_once_it_is_proved(
    cdn: Graph, distribution: Mapping[str, Any]
) -> None:
    certificate = cdn.inputs("acm/certificate:Certificate")
    assert (certificate["domainName"], certificate["validationMethod"]) == ("hasil.uji.test", "DNS")
    proof = cdn.inputs("route53/record:Record", "site-proof")
    (asked,) = cdn.one("Certificate").outputs["domainValidationOptions"]
    assert (proof["name"], proof["type"], proof["records"]) == (
        asked["resourceRecordName"],
        asked["resourceRecordType"],
        [asked["resourceRecordValue"]],
    )
    validation = cdn.one("CertificateValidation")
    assert validation.inputs["validationRecordFqdns"] == [cdn.one("Record", "site-proof").outputs["fqdn"]]
    viewer = distribution["viewerCertificate"]
    assert viewer["acmCertificateArn"] == validation.inputs["certificateArn"] == cdn.one("Certificate").arn
    assert viewer["minimumProtocolVersion"] == "TLSv1.2_2021"
    assert ("Record", "site-proof") in cdn.needed_by(validation)


def test_the_origins_name_and_its_word_are_secrets_wherever_they_are_said(usual: Graph) -> None:
    words = (usual.outputs["origin"]["name"], usual.outputs["origin"]["secret"])
    saying = [made.name for made in usual.of_aws() if any(paths_to(word, made.inputs) for word in words)]
    assert {"site", "jakarta-cdn", "singapura-cdn", "origin-kementerian"} <= set(saying)
    for made in usual.of_aws():
        for word in words:
            for path in paths_to(word, made.inputs):
                assert any(path == secret or path.startswith(f"{secret}") for secret in made.secrets), (made.name, path)
    assert not [made.name for made in usual.resources if words[0] in str(made.inputs.get("tags"))]


def paths_to(word: str, value: object, path: str = "") -> list[str]:
    if isinstance(value, dict):
        mapping = cast("dict[str, object]", value)
        return [found for key, item in mapping.items() for found in paths_to(word, item, f"{path}.{key}".lstrip("."))]
    if isinstance(value, list):
        items = enumerate(cast("list[object]", value))
        return [found for i, item in items for found in paths_to(word, item, f"{path}[{i}]")]
    return [path] if word in str(value) else []


def test_hosts_are_asked_encrypted_with_the_secret_and_not_waited_for(
    usual: Graph, distribution: Mapping[str, Any]
) -> None:
    locations = origin(distribution, "locations")
    assert locations["domainName"] == usual.outputs["origin"]["name"]
    assert locations["customHeaders"] == [{"name": ORIGIN_HEADER, "value": usual.outputs["origin"]["secret"]}]
    config = locations["customOriginConfig"]
    assert (config["originProtocolPolicy"], config["originSslProtocols"]) == ("https-only", ["TLSv1.2"])
    assert (config["originReadTimeout"], config["originKeepaliveTimeout"]) == (5, 50)
    assert (locations["connectionTimeout"], locations["connectionAttempts"]) == (2, 2)


def test_the_last_snapshot_is_asked_when_the_hosts_fail_but_not_when_they_know_no_such_page(
    distribution: Mapping[str, Any],
) -> None:
    (group,) = distribution["originGroups"]
    assert [member["originId"] for member in group["members"]] == ["locations", "snapshot"]
    assert group["failoverCriteria"]["statusCodes"] == [403, 500, 502, 503, 504]
    assert distribution["defaultCacheBehavior"]["targetOriginId"] == group["originId"]


def test_the_snapshot_is_the_public_part_of_the_bucket_and_signed_for(
    usual: Graph, cdn: Graph, distribution: Mapping[str, Any]
) -> None:
    bucket = usual.one("Bucket", "tegak-uji-publication")
    snapshot = origin(distribution, "snapshot")
    assert snapshot["domainName"] == f"{bucket.id}.s3.{HOME}.amazonaws.com"
    assert snapshot["originPath"] == "/site"
    control, archive = cdn.one("OriginAccessControl"), origin(distribution, "archive")
    assert (archive["domainName"], archive.get("originPath")) == (snapshot["domainName"], None)
    assert snapshot["originAccessControlId"] == archive["originAccessControlId"] == control.id
    assert (control.inputs["originAccessControlOriginType"], control.inputs["signingBehavior"]) == ("s3", "always")
    policy = cdn.one("s3/bucketPolicy:BucketPolicy")
    assert (policy.region, policy.inputs["bucket"]) == (HOME, bucket.id)
    document = json.loads(policy.inputs["policy"])
    (reader,) = [statement for statement in document["Statement"] if statement["Effect"] == "Allow"]
    assert reader["Condition"]["StringEquals"]["aws:SourceArn"] == cdn.one("Distribution").arn
    assert reader["Resource"] == [f"{bucket.arn}/site/*", f"{bucket.arn}/arsip/*"]


def test_requests_of_all_edges_meet_in_singapore_since_jakarta_has_no_shield(distribution: Mapping[str, Any]) -> None:
    for name in ("locations", "snapshot"):
        shield = origin(distribution, name)["originShield"]
        assert shield == {"enabled": True, "originShieldRegion": "ap-southeast-1"}


def test_a_shield_is_only_where_there_is_one_and_in_a_region_of_the_settings() -> None:
    settings = parse_settings(CONFIG, "uji")
    assert settings.aws
    assert set(REGIONS) >= SHIELDS
    assert shield_region(settings.aws.model_copy(update={"home_region": "us-west-2"})) == "us-west-2"
    assert shield_region(settings.aws.model_copy(update={"replica_region": "ap-southeast-5"})) is None


@pytest.mark.parametrize("path", ["default", "/healthz", "/version", "/maaf.html", "/arsip/*", "/img/*"])
def test_every_path_is_read_only_encrypted_compressed_and_has_the_headers(
    cdn: Graph, distribution: Mapping[str, Any], path: str
) -> None:
    behaviour = behaviours(distribution)[path]
    assert behaviour["allowedMethods"] == ["GET", "HEAD"]
    assert behaviour["viewerProtocolPolicy"] == "redirect-to-https"
    assert behaviour["compress"] is True
    assert behaviour["responseHeadersPolicyId"] == cdn.one("ResponseHeadersPolicy").id
    assert "originRequestPolicyId" not in behaviour, "nothing of a viewer's request reaches a host but its path"


def test_what_differs_from_host_to_host_is_never_kept_and_the_error_page_is_always_there(
    cdn: Graph, distribution: Mapping[str, Any]
) -> None:
    results = cdn.one("CachePolicy", "results").id
    caching_disabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    served = {
        path: (behaviour["targetOriginId"], behaviour["cachePolicyId"])
        for path, behaviour in behaviours(distribution).items()
    }
    assert served == {
        "default": ("site", results),
        "/healthz": ("locations", caching_disabled),
        "/version": ("locations", caching_disabled),
        "/maaf.html": ("snapshot", results),
        "/arsip/*": ("archive", results),
        "/img/*": ("site", cdn.one("CachePolicy", "immutable").id),
    }


def test_the_service_says_how_long_results_are_kept(cdn: Graph) -> None:
    policy = cdn.inputs("cloudfront/cachePolicy:CachePolicy", "results")
    assert (policy["minTtl"], policy["defaultTtl"]) == (0, 0), "a least time would overrule stale-if-error"
    assert policy["maxTtl"] >= 86_400
    assert cdn.inputs("cloudfront/cachePolicy:CachePolicy", "immutable")["minTtl"] == 86_400


def test_nobody_asks_past_the_cache(cdn: Graph) -> None:
    for policy in cdn.of_type("cloudfront/cachePolicy:CachePolicy"):
        key = policy.inputs["parametersInCacheKeyAndForwardedToOrigin"]
        assert key["queryStringsConfig"] == {"queryStringBehavior": "none"}
        assert key["cookiesConfig"] == {"cookieBehavior": "none"}
        assert key["headersConfig"] == {"headerBehavior": "none"}
        assert key["enableAcceptEncodingGzip"] is key["enableAcceptEncodingBrotli"] is True


def test_the_root_is_the_services_national_page(distribution: Mapping[str, Any]) -> None:
    assert f"/{distribution['defaultRootObject']}" == DEFAULT_PAGE


def test_errors_are_kept_for_seconds_and_what_the_bucket_lacks_is_no_refusal(distribution: Mapping[str, Any]) -> None:
    errors = {error["errorCode"]: error for error in distribution["customErrorResponses"]}
    for code in (500, 502, 503, 504):
        assert 1 <= errors[code]["errorCachingMinTtl"] <= 5
        assert (errors[code]["responseCode"], errors[code]["responsePagePath"]) == (code, "/maaf.html")
    assert (errors[403]["responseCode"], errors[403]["responsePagePath"]) == (503, "/maaf.html")
    assert "responsePagePath" not in errors[404], "the service's own page says what isn't there"


def test_the_page_for_errors_is_in_the_bucket_where_the_cdn_finds_it(usual: Graph, cdn: Graph) -> None:
    bucket = usual.one("Bucket", "tegak-uji-publication").id
    page = cdn.inputs("s3/bucketObjectv2:BucketObjectv2")
    assert (page["bucket"], page["key"], page["region"]) == (bucket, "site/maaf.html", HOME)
    assert page["content"] == SORRY_FILE.read_text(encoding="utf-8")
    assert "{{" not in page["content"]
    assert "{%" not in page["content"]
    assert page["contentType"].startswith("text/html")


def test_the_security_headers_are_at_least_those_of_the_service(cdn: Graph) -> None:
    config = cdn.inputs("cloudfront/responseHeadersPolicy:ResponseHeadersPolicy")["securityHeadersConfig"]
    service = Renderer("1.0.0").headers()
    assert config["contentTypeOptions"] == {"override": True}
    assert config["frameOptions"] == {"frameOption": "DENY", "override": True}
    assert config["referrerPolicy"] == {"referrerPolicy": service["Referrer-Policy"], "override": True}
    assert config["strictTransportSecurity"]["accessControlMaxAgeSec"] == 31_536_000
    # The service's names the hashes of its style sheet and script, and is kept; the other differs in nothing else.
    assert config["contentSecurityPolicy"]["override"] is False
    own = {part.split()[0]: part for part in service["Content-Security-Policy"].split("; ")}
    ours = {part.split()[0]: part for part in CONTENT_SECURITY_POLICY.split("; ")}
    named = ("style-src", "script-src")
    assert {k: v for k, v in own.items() if k not in named} == {k: v for k, v in ours.items() if k not in named}
    assert "script-src" not in ours  # none runs


def test_no_header_tells_where_an_answer_is_from(cdn: Graph) -> None:
    removed = cdn.inputs("cloudfront/responseHeadersPolicy:ResponseHeadersPolicy")["removeHeadersConfig"]["items"]
    assert {"Server", "x-amz-version-id", "x-amz-server-side-encryption"} <= {item["header"] for item in removed}


def test_the_distribution_speaks_http_3_and_ipv6_without_a_continuous_deployment(
    distribution: Mapping[str, Any],
) -> None:
    assert distribution["httpVersion"] == "http2and3"
    assert distribution["isIpv6Enabled"] is True
    assert not distribution.get("staging")
    assert "continuousDeploymentPolicyId" not in distribution
    assert distribution["aliases"] == ["hasil.uji.test"]


def test_locations_share_the_load_by_weight_and_an_unhealthy_one_is_left_out(usual: Graph, cdn: Graph) -> None:
    name, balancer = usual.outputs["origin"]["name"], usual.one("LoadBalancer", "jakarta-lb").outputs
    balanced = cdn.inputs("route53/record:Record", "origin-jakarta")
    assert (balanced["name"], balanced["type"], balanced["setIdentifier"]) == (name, "A", "jakarta")
    assert balanced["weightedRoutingPolicies"] == [{"weight": 8}]
    assert balanced["aliases"] == [
        {"name": balancer["dnsName"], "zoneId": balancer["zoneId"], "evaluateTargetHealth": True}
    ]
    addressed = cdn.inputs("route53/record:Record", "origin-kementerian")
    assert (addressed["records"], addressed["weightedRoutingPolicies"]) == ([OWNED_ADDRESS], [{"weight": 1}])
    assert addressed["ttl"] <= 60
    assert addressed["healthCheckId"] == cdn.one("HealthCheck").id
    (check,) = [made.inputs for made in cdn.of_type("route53/healthCheck:HealthCheck")]
    assert (check["type"], check["ipAddress"], check["port"]) == ("HTTPS", OWNED_ADDRESS, 443)
    assert (check["resourcePath"], check["enableSni"], check["fqdn"]) == ("/healthz", True, name)


def test_an_origin_without_load_balancer_and_address_is_refused() -> None:
    account = cast("AccountOutputs", None)
    with pytest.raises(ValueError, match="kosong has neither"):
        rehearse(
            lambda: {"records": OriginRecords(account, [OriginOutputs("kosong", 1)], pulumi.ResourceOptions()).urn}
        )
