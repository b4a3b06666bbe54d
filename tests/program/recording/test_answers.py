"""What the recorded account answers to data sources."""

import json

import pytest

from tests.stands.recording.answers import ANSWERS, Arguments, NoAnswerError, answer
from tests.stands.recording.sdk import UnknownTokenError, function

HOME = "ap-southeast-1"


def ask(token: str, **arguments: object) -> Arguments:
    return answer(function(token), arguments, HOME)


@pytest.mark.parametrize("token", sorted(ANSWERS))
def test_answers_have_only_what_the_function_returns(token: str) -> None:
    known = function(token)
    asked = {"name": "x"} if "name" in known.arguments else {}
    assert set(answer(known, asked, HOME)) <= set(known.results)


def test_a_question_of_another_region_gets_another_answer() -> None:
    token = "aws:ec2/getManagedPrefixList:getManagedPrefixList"  # noqa: S105  # a type's name
    name = "com.amazonaws.global.cloudfront.origin-facing"
    home, other = ask(token, name=name), ask(token, name=name, region="ap-southeast-3")
    assert home["id"] != other["id"]
    assert (home["name"], home["region"], other["region"]) == (name, HOME, "ap-southeast-3")
    zones = ask("aws:index/getAvailabilityZones:getAvailabilityZones", region="ap-southeast-3")
    assert zones["names"] == ["ap-southeast-3a", "ap-southeast-3b", "ap-southeast-3c"]


def test_a_policy_document_is_rendered_as_iam_reads_it() -> None:
    answered = ask(
        "aws:iam/getPolicyDocument:getPolicyDocument",
        statements=[
            {
                "sid": "read",
                "actions": ["s3:GetObject"],
                "resources": ["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"],
                "principals": [{"type": "Service", "identifiers": ["cloudfront.amazonaws.com"]}],
                "conditions": [
                    {"test": "StringEquals", "variable": "aws:SourceArn", "values": ["x"]},
                    {"test": "StringEquals", "variable": "aws:SourceAccount", "values": ["1", "2"]},
                ],
            },
            {"effect": "Deny", "notActions": ["s3:*"], "principals": [{"type": "*", "identifiers": ["*"]}]},
        ],
    )
    assert json.loads(answered["json"]) == json.loads(answered["minifiedJson"])
    assert json.loads(answered["json"]) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "read",
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": ["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"],
                "Principal": {"Service": "cloudfront.amazonaws.com"},
                "Condition": {"StringEquals": {"aws:SourceArn": "x", "aws:SourceAccount": ["1", "2"]}},
            },
            {"Effect": "Deny", "NotAction": "s3:*", "Principal": "*"},
        ],
    }


def test_what_nobody_wrote_down_is_no_guess() -> None:
    with pytest.raises(NoAnswerError, match="has no answer to aws:ec2/getVpc:getVpc"):
        ask("aws:ec2/getVpc:getVpc")
    with pytest.raises(NoAnswerError, match="has no argument 'nmae'"):
        ask("aws:ec2/getManagedPrefixList:getManagedPrefixList", nmae="x")
    with pytest.raises(UnknownTokenError, match="has no function"):
        ask("aws:ec2/getVcp:getVcp")
