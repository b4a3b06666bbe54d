"""Policies of the shared parts and of the CDN: who may do what, and under what condition."""

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest

from infra.aws.account import policies
from infra.aws.cdn.fallback import publication_policy
from infra.aws.cdn.firewall import log_policy

ACCOUNT, REGION = "111122223333", "ap-southeast-3"
BUCKET, COPY = "arn:aws:s3:::home", "arn:aws:s3:::copy"
TRAIL = policies.trail_arn(ACCOUNT, REGION, "tegak-uji-audit")
DISTRIBUTION = f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:tegak-uji-alarm"
LOG_GROUP = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:aws-waf-logs-tegak-uji"

KEY_POLICIES = {
    "key": policies.key_policy(ACCOUNT, REGION),
    "key and trail": policies.key_policy(ACCOUNT, REGION, TRAIL),
    "signing key": policies.signing_key_policy(ACCOUNT),
}
POLICIES = KEY_POLICIES | {
    "logs": policies.log_bucket_policy(ACCOUNT, REGION, BUCKET),
    "logs and trail": policies.log_bucket_policy(ACCOUNT, REGION, BUCKET, TRAIL),
    "logs of the cdn": policies.log_bucket_policy(ACCOUNT, "us-east-1", BUCKET),
    "publication": publication_policy(BUCKET, DISTRIBUTION),
    "copy": policies.encrypted_transport_policy(COPY),
    "replication trust": policies.replication_trust(ACCOUNT, BUCKET),
    "replication rights": policies.replication_rights(BUCKET, COPY),
    "alarms": policies.alarm_topic_policy(ACCOUNT, REGION, TOPIC),
    "firewall log": log_policy(ACCOUNT, LOG_GROUP),
}

Statement = dict[str, Any]


def statements(text: str) -> list[Statement]:
    document = json.loads(text)
    assert document["Version"] == "2012-10-17"
    return cast("list[Statement]", document["Statement"])


def granted(text: str) -> list[Statement]:
    return [statement for statement in statements(text) if statement["Effect"] == "Allow"]


def of(text: str, sid: str) -> Statement:
    (statement,) = [statement for statement in statements(text) if statement["Sid"] == sid]
    return statement


every = pytest.mark.parametrize("name", POLICIES)


@every
def test_no_policy_grants_a_wildcard_of_actions(name: str) -> None:
    actions = [action for statement in granted(POLICIES[name]) for action in statement["Action"]]
    assert all(":" in action and "*" not in action for action in actions), actions
    assert actions or name == "copy"


@every
def test_only_a_keys_own_policy_names_no_resource(name: str) -> None:
    for statement in granted(POLICIES[name]):
        if name in KEY_POLICIES:
            assert statement["Resource"] == ["*"], "in a key's policy it is that key"
            assert all(action.startswith("kms:") for action in statement["Action"])
        else:
            assert "*" not in statement.get("Resource", [])


@every
def test_whoever_is_granted_something_is_named_or_held_by_a_condition(name: str) -> None:
    for statement in granted(POLICIES[name]):
        principal = statement.get("Principal")
        if principal and "AWS" in principal:
            assert principal == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        elif principal:
            assert set(principal) == {"Service"}
            assert "*" not in principal["Service"]


@every
def test_every_service_acts_for_this_account_only(name: str) -> None:
    services = [statement for statement in granted(POLICIES[name]) if "Service" in statement.get("Principal", {})]
    for statement in services:
        if statement["Principal"]["Service"].startswith("logdelivery."):
            (resource,) = statement["Resource"]
            assert f"/AWSLogs/{ACCOUNT}/" in resource, "it knows no condition, only the path"
        else:
            assert ACCOUNT in json.dumps(statement["Condition"]), statement["Sid"]


@every
def test_statements_have_names_of_their_own(name: str) -> None:
    sids = [statement["Sid"] for statement in statements(POLICIES[name])]
    assert len(set(sids)) == len(sids)
    assert all(sid.isalnum() for sid in sids)


@pytest.mark.parametrize("name", ["logs", "logs and trail", "logs of the cdn", "publication", "copy"])
def test_no_bucket_answers_plain_http(name: str) -> None:
    statement = of(POLICIES[name], "NoPlainText")
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", ["s3:*"])
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    bucket = COPY if name == "copy" else BUCKET
    assert statement["Resource"] == [bucket, f"{bucket}/*"]


def test_the_cdn_reads_the_public_part_of_the_publication_and_nothing_else() -> None:
    (statement,) = granted(POLICIES["publication"])
    assert statement["Action"] == ["s3:GetObject"]
    assert statement["Resource"] == [f"{BUCKET}/site/*", f"{BUCKET}/arsip/*"]
    assert statement["Condition"] == {"StringEquals": {"aws:SourceArn": DISTRIBUTION}}


def test_the_cdns_logs_are_taken_in_virginia_only() -> None:
    condition = of(POLICIES["logs of the cdn"], "Cdn")["Condition"]
    assert condition["ArnLike"] == {"aws:SourceArn": f"arn:aws:logs:us-east-1:{ACCOUNT}:delivery-source:*"}
    assert not [statement for statement in statements(POLICIES["logs"]) if statement["Sid"] == "Cdn"]


def test_flows_are_taken_from_the_regions_own_account_and_stay_the_buckets() -> None:
    for sid in ("Flows", "FlowsLook"):
        condition = of(POLICIES["logs"], sid)["Condition"]
        assert condition["StringEquals"]["aws:SourceAccount"] == ACCOUNT
        assert condition["ArnLike"] == {"aws:SourceArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:*"}
    assert of(POLICIES["logs"], "Flows")["Condition"]["StringEquals"]["s3:x-amz-acl"] == "bucket-owner-full-control"


def test_replication_can_remove_nothing() -> None:
    actions = {action for statement in granted(POLICIES["replication rights"]) for action in statement["Action"]}
    assert not [action for action in actions if "Delete" in action or "Put" in action or "Bypass" in action]
    assert of(POLICIES["replication rights"], "Write")["Resource"] == [f"{COPY}/*"]


def test_only_the_regions_own_alarms_use_topic_and_key() -> None:
    alarms = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:*"
    for text in (POLICIES["alarms"], POLICIES["key"]):
        condition = of(text, "Alarms")["Condition"]
        assert condition["ArnLike"] == {"aws:SourceArn": alarms}


@pytest.mark.parametrize(("name", "sid"), [("key and trail", "Audit"), ("logs and trail", "Audit")])
def test_the_audit_is_written_by_the_one_trail(name: str, sid: str) -> None:
    assert of(POLICIES[name], sid)["Condition"]["StringEquals"]["aws:SourceArn"] == TRAIL
    assert "Audit" not in POLICIES[name.removesuffix(" and trail")]


def test_keys_are_administered_through_iam_but_used_to_encrypt_by_services_alone() -> None:
    administration = of(POLICIES["key"], "ThoseWhomIamGivesIt")["Action"]
    assert {"kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:Decrypt"} <= set(administration)
    assert not {"kms:Encrypt", "kms:GenerateDataKey", "kms:Sign"} & set(administration)


def test_no_policy_of_the_program_is_written_by_hand() -> None:
    project = Path(__file__).resolve().parents[2]
    builder = project / "infra/aws/policies.py"
    by_hand = re.compile(r"""["'](Version|Statement|Sid|Effect|Principal)["']:|2012-10-17""")
    files = [file for file in (project / "infra").rglob("*.py") if by_hand.search(file.read_text(encoding="utf-8"))]
    assert files == [builder]
