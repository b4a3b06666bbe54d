"""What all AWS locations share."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import pytest

from infra.aws.providers import SecretProvider
from tests.stands.graph import STACK, Graph
from tests.stands.recording.sdk import resource_type
from tests.stands.recording.world import ACCOUNT


@pytest.fixture(scope="module")
def account(usual: Graph) -> Graph:
    return usual.below("tegak:aws:Account")


REGIONS = {"ap-southeast-3", "ap-southeast-1", "us-east-1"}
BUCKETS = {f"tegak-uji-log-{region}" for region in REGIONS} | {"tegak-uji-publication", "tegak-uji-publication-copy"}


def test_every_region_of_the_settings_has_a_key_a_log_bucket_and_a_topic_and_no_other_region_has(
    account: Graph,
) -> None:
    for kind in ("RegionKey", "LogBucket", "AlarmTopic"):
        names = [made.name for made in account.of_type(kind)]
        assert len(names) == len(REGIONS)
        assert {name.partition("-")[2] for name in names} == REGIONS
    assert {made.region for made in account.of_aws()} - {""} == REGIONS


def test_everything_that_can_have_tags_has_those_of_the_stack(account: Graph) -> None:
    tagged = [made for made in account.of_aws() if resource_type(made.type).takes_tags]
    assert {made.type for made in tagged} >= {"aws:s3/bucket:Bucket", "aws:kms/key:Key", "aws:route53/zone:Zone"}
    for made in tagged:
        tags = made.inputs.get("tags", {})
        assert tags.get("tegak:stack") == "uji", made.name
        assert tags.get("cost-centre") == "pemilu", made.name
        assert tags.get("tegak:role"), made.name


def test_everything_on_aws_stands_below_the_account_the_cdn_or_a_location(usual: Graph) -> None:
    stack = usual.one(STACK)
    assert {(made.kind, made.name) for made in usual.resources if made.parent in ("", stack.urn)} == {
        ("Stack", stack.name),
        ("Account", "account"),
        ("OriginCertificates", "origin"),
        ("Location", "jakarta"),
        ("Location", "singapura"),
        ("Cdn", "cdn"),
    }


def test_what_must_not_vanish_is_protected(account: Graph) -> None:
    data = {"Bucket", "Key", "Zone"}
    # What would leave a bucket open or forgetful, or a signed zone that nobody can look up.
    safety = {
        "BucketPublicAccessBlock",
        "BucketOwnershipControls",
        "BucketServerSideEncryptionConfiguration",
        "BucketVersioning",
        "BucketObjectLockConfiguration",
        "KeySigningKey",
        "HostedZoneDnsSec",
    }
    kinds = data | safety
    assert {made.urn for made in account.resources if made.protect} == {
        made.urn for made in account.of_aws() if made.type.rpartition(":")[2] in kinds
    }


def test_keys_are_renewed_and_can_be_had_back_for_a_month(account: Graph) -> None:
    for key in account.of_type("kms/key:Key"):
        assert key.inputs["deletionWindowInDays"] == 30
        assert key.inputs.get("enableKeyRotation") or key.name == "signing", "AWS renews no signing keys"
    assert {made.inputs["name"] for made in account.of_type("kms/alias:Alias")} == {"alias/tegak-uji"}


def test_only_the_home_regions_key_and_bucket_know_the_trail(account: Graph) -> None:
    trail = f"arn:aws:cloudtrail:ap-southeast-3:{ACCOUNT}:trail/tegak-uji-audit"
    knowing = {made.name for made in account.of_aws() if trail in str(made.inputs.get("policy"))}
    assert knowing == {"key-ap-southeast-3", "tegak-uji-log-ap-southeast-3"}


def test_every_bucket_is_private_encrypted_and_versioned(account: Graph) -> None:
    def each(kind: str) -> dict[str, Mapping[str, Any]]:
        found = account.of_type(f"s3/{kind[0].lower()}{kind[1:]}:{kind}")
        assert {made.name for made in found} == BUCKETS, kind
        return {made.name: made.inputs for made in found}

    buckets = each("Bucket")
    for inputs in each("BucketPublicAccessBlock").values():
        flags = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
        assert all(inputs[flag] is True for flag in flags)
    for inputs in each("BucketOwnershipControls").values():
        assert inputs["rule"] == {"objectOwnership": "BucketOwnerEnforced"}
    for inputs in each("BucketServerSideEncryptionConfiguration").values():
        assert inputs["rules"] == [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]
    for name, inputs in each("BucketVersioning").items():
        assert inputs["versioningConfiguration"] == {"status": "Enabled"}
        assert (inputs["bucket"], inputs["region"]) == (account.one("Bucket", name).id, buckets[name]["region"])
    for inputs in each("BucketLifecycleConfiguration").values():
        assert inputs["rules"][0]["noncurrentVersionExpiration"] == {"noncurrentDays": 180}


def test_access_logs_go_before_the_audit_does(account: Graph) -> None:
    rules = account.inputs("BucketLifecycleConfiguration", "tegak-uji-log-ap-southeast-3")["rules"]
    days = {rule["filter"]["prefix"]: rule["expiration"]["days"] for rule in rules if "expiration" in rule}
    assert days == {"lb/": 90, "vpc/": 90, "AWSLogs/": 90, "s3/": 90, "audit/": 400}


def test_every_log_bucket_and_the_copy_have_a_policy(account: Graph) -> None:
    # The publication's own is the CDN's to make: it names the distribution.
    policies = {made.name for made in account.of_type("s3/bucketPolicy:BucketPolicy")}
    assert policies == BUCKETS - {"tegak-uji-publication"}


def test_what_is_published_is_locked_for_90_days_at_home_and_in_the_copy(account: Graph) -> None:
    locked = account.of_type("s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration")
    assert {made.name for made in locked} == {"tegak-uji-publication", "tegak-uji-publication-copy"}
    for made in locked:
        assert made.inputs["rule"] == {"defaultRetention": {"mode": "GOVERNANCE", "days": 90}}
        assert account.inputs("s3/bucket:Bucket", made.name)["objectLockEnabled"] is True


def test_the_publication_is_copied_to_the_other_region_and_what_is_removed_stays_there(account: Graph) -> None:
    replication = account.one("BucketReplicationConfig")
    (rule,) = replication.inputs["rules"]
    assert (replication.region, replication.inputs["bucket"]) == (
        "ap-southeast-3",
        account.one("Bucket", "tegak-uji-publication").id,
    )
    assert rule["destination"] == {"bucket": account.one("Bucket", "tegak-uji-publication-copy").arn}
    assert (rule["status"], rule["filter"]) == ("Enabled", {"prefix": ""})
    assert rule["deleteMarkerReplication"] == {"status": "Disabled"}
    assert account.one("s3/bucket:Bucket", "tegak-uji-publication-copy").region == "ap-southeast-1"
    versioned = {("BucketVersioning", name) for name in ("tegak-uji-publication", "tegak-uji-publication-copy")}
    assert versioned <= account.needed_by(replication), "AWS copies only between versioned buckets"


def test_access_to_the_publication_is_logged_in_its_own_region(account: Graph) -> None:
    targets = {made.region: made.inputs["targetBucket"] for made in account.of_type("BucketLogging")}
    assert targets == {
        region: account.one("Bucket", f"tegak-uji-log-{region}").id for region in ("ap-southeast-3", "ap-southeast-1")
    }


def test_the_trail_covers_all_regions_and_shows_when_it_was_changed(account: Graph) -> None:
    trail = account.inputs("Trail")
    assert trail["isMultiRegionTrail"] is True
    assert trail["includeGlobalServiceEvents"] is True
    assert trail["enableLogFileValidation"] is True
    assert trail["kmsKeyId"] == account.one("Key", "key-ap-southeast-3").arn
    logs = account.one("Bucket", "tegak-uji-log-ap-southeast-3").id
    assert (trail["s3BucketName"], trail["s3KeyPrefix"]) == (logs, "audit")
    assert trail.get("enableLogging", True) is True


def test_the_trail_notes_releases_and_snapshots_but_not_each_file_of_the_site(account: Graph) -> None:
    management, publications = account.inputs("Trail")["advancedEventSelectors"]
    assert management["fieldSelectors"] == [{"field": "eventCategory", "equals": ["Management"]}]
    arns = [selector for selector in publications["fieldSelectors"] if selector["field"] == "resources.ARN"]
    bucket = account.one("Bucket", "tegak-uji-publication").arn
    assert arns == [
        {"field": "resources.ARN", "startsWiths": [f"{bucket}/"]},
        {"field": "resources.ARN", "notStartsWiths": [f"{bucket}/site/"]},
    ]


def test_alarms_are_encrypted_with_their_own_regions_key_and_mailed(account: Graph) -> None:
    for topic in account.of_type("sns/topic:Topic"):
        assert f":{topic.region}:" in topic.inputs["kmsMasterKeyId"]
        subscription = account.inputs("TopicSubscription", topic.name)
        assert (subscription["protocol"], subscription["endpoint"]) == ("email", "siaga@uji.test")
        assert f":{topic.region}:" in subscription["topic"]
        assert "cloudwatch.amazonaws.com" in account.inputs("TopicPolicy", topic.name)["policy"]


def test_budgets_tell_and_never_act(account: Graph) -> None:
    told = {
        budget.name: [(n["notificationType"], n["threshold"]) for n in budget.inputs["notifications"]]
        for budget in account.of_type("budgets/budget:Budget")
    }
    actual = [("ACTUAL", 50), ("ACTUAL", 80), ("ACTUAL", 100)]
    assert told == {"month": [*actual, ("FORECASTED", 100)], "night": actual}
    limits = {b.name: (b.inputs["limitAmount"], b.inputs["timeUnit"]) for b in account.of_type("budgets/budget:Budget")}
    assert limits == {"month": ("900", "MONTHLY"), "night": ("500", "DAILY")}
    assert not [made.type for made in account.resources if "budgetaction" in made.type.lower()]


def test_only_amazon_may_issue_certificates_for_the_zone(account: Graph) -> None:
    caa = account.inputs("route53/record:Record", "caa")
    assert (caa["name"], caa["type"]) == ("uji.test", "CAA")
    assert caa["records"] == ['0 issue "amazon.com"', '0 issuewild "amazon.com"']


def test_the_zone_is_signed_with_a_key_in_virginia_only_when_it_is_asked_for(
    usual: Graph, account: Graph, smaller: Graph
) -> None:
    key = account.one("kms/key:Key", "signing")
    assert (key.region, key.inputs["keyUsage"]) == ("us-east-1", "SIGN_VERIFY")
    assert key.inputs["customerMasterKeySpec"] == "ECC_NIST_P256"
    signed = account.one("HostedZoneDnsSec")
    assert ("KeySigningKey", "signing") in account.needed_by(signed), "the zone is signed after its key is there"
    assert usual.outputs["ds_record"] == account.one("KeySigningKey").outputs["dsRecord"]
    assert smaller.outputs["ds_record"] is None
    assert not smaller.of_type("HostedZoneDnsSec")
    assert not [made for made in smaller.of_type("kms/key:Key") if made.name == "signing"]


def test_the_origins_name_is_of_the_zone_and_told_by_neither_secret(usual: Graph) -> None:
    name, secret = usual.outputs["origin"]["name"], usual.outputs["origin"]["secret"]
    word = usual.one("Secret", "origin-name").outputs["value"]
    assert re.fullmatch(r"[0-9a-f]{12}\.asal\.uji\.test", name)
    assert name == f"{hashlib.sha256(word.encode()).hexdigest()[:12]}.asal.uji.test"
    assert secret == usual.one("Secret", "origin").outputs["value"] != word


def test_secrets_are_made_once() -> None:
    first, second = (SecretProvider().create({"name": "origin"}).outs or {} for _ in range(2))
    assert len(first["value"]) == 43
    assert first["value"] != second["value"]
    assert SecretProvider().diff("id", {"name": "a"}, {"name": "b"}).changes is False
