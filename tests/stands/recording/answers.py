"""What the account answers to the data sources that a program may ask."""

import hashlib
import json
from collections.abc import Callable
from typing import Any, cast

from tests.stands.recording import policies
from tests.stands.recording.sdk import Function
from tests.stands.recording.world import ACCOUNT

Arguments = dict[str, Any]
Answer = Callable[[Arguments, str], Arguments]
"""An answer, from the arguments and the region that is asked."""


def _digest(length: int, *parts: str) -> str:
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:length]


def _filters(asked: Arguments) -> dict[str, str]:
    filters = cast("list[dict[str, Any]]", asked.get("filters") or [])
    return {str(each["name"]): str(each["values"][0]) for each in filters}


def prefix_list_id(name: str, region: str) -> str:
    """The id of a list of AWS's own addresses, another one in each region."""
    return f"pl-{_digest(8, region, name)}"


def _prefix_list(asked: Arguments, region: str) -> Arguments:
    name = str(asked.get("name") or _filters(asked).get("prefix-list-name", ""))
    return {"id": prefix_list_id(name, region), "name": name}


def _zones(_: Arguments, region: str) -> Arguments:
    letters = "abc"
    return {
        "names": [f"{region}{letter}" for letter in letters],
        "zoneIds": [f"{region}-az{number}" for number in range(1, len(letters) + 1)],
        "groupNames": [region],
    }


def _image(asked: Arguments, region: str) -> Arguments:
    filters = _filters(asked)
    image = f"ami-{_digest(17, region, json.dumps(filters, sort_keys=True))}"
    return {
        "id": image,
        "imageId": image,
        "name": filters.get("name", ""),
        "architecture": filters.get("architecture", "arm64"),
    }


def _parameter(asked: Arguments, region: str) -> Arguments:
    name = str(asked["name"])
    value = f"ami-{_digest(17, region, name)}" if "/ami" in name or "image" in name else f"value-{_digest(8, name)}"
    return {"name": name, "value": value, "insecureValue": value, "type": "String", "version": 1}


def _caller(_: Arguments, __: str) -> Arguments:
    return {"accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/operator", "userId": "AIDAEXAMPLE"}


def _policy_document(asked: Arguments, _: str) -> Arguments:
    text = policies.render(asked)
    return {"json": text, "minifiedJson": json.dumps(json.loads(text), separators=(",", ":"))}


def _managed_policy(asked: Arguments, _: str) -> Arguments:
    name = str(asked.get("name") or asked.get("id"))
    digest = _digest(32, name)
    return {"id": "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:])), "name": name}


def _zone(asked: Arguments, _: str) -> Arguments:
    name = str(asked.get("name"))
    return {"zoneId": f"Z{_digest(13, name).upper()}", "name": name, "nameServers": ["ns-1.awsdns-01.com"]}


ANSWERS: dict[str, Answer] = {
    "aws:cloudfront/getCachePolicy:getCachePolicy": _managed_policy,
    "aws:cloudfront/getLogDeliveryCanonicalUserId:getLogDeliveryCanonicalUserId": lambda _, __: {
        "id": _digest(64, "logs")
    },
    "aws:cloudfront/getOriginRequestPolicy:getOriginRequestPolicy": _managed_policy,
    "aws:cloudfront/getResponseHeadersPolicy:getResponseHeadersPolicy": _managed_policy,
    "aws:ec2/getAmi:getAmi": _image,
    "aws:ec2/getManagedPrefixList:getManagedPrefixList": _prefix_list,
    "aws:ec2/getPrefixList:getPrefixList": _prefix_list,
    "aws:elb/getServiceAccount:getServiceAccount": lambda _, region: {
        "arn": "arn:aws:iam::127311923021:root",
        "region": region,
    },
    "aws:iam/getPolicyDocument:getPolicyDocument": _policy_document,
    "aws:index/getAvailabilityZones:getAvailabilityZones": _zones,
    "aws:index/getCallerIdentity:getCallerIdentity": _caller,
    "aws:index/getPartition:getPartition": lambda _, __: {"partition": "aws", "dnsSuffix": "amazonaws.com"},
    "aws:index/getRegion:getRegion": lambda _, region: {"name": region, "region": region},
    "aws:lb/getHostedZoneId:getHostedZoneId": lambda _, region: {"id": f"Z{region.replace('-', '').upper()}"},
    "aws:route53/getZone:getZone": _zone,
    "aws:ssm/getParameter:getParameter": _parameter,
}


class NoAnswerError(Exception):
    """Nobody wrote down what the account answers to this question."""


def answer(function: Function, arguments: Arguments, home: str) -> Arguments:
    """What the account answers.

    Args:
        function: The data source.
        arguments: What the program asks.
        home: The provider's region.

    Raises:
        NoAnswerError: There is no such argument, or no answer here.
    """
    unknown = sorted(set(arguments) - function.arguments)
    if unknown:
        raise NoAnswerError(f"{function.token} has no argument '{unknown[0]}'")
    if function.token not in ANSWERS:
        raise NoAnswerError(f"tests/stands/recording/answers.py has no answer to {function.token}")
    region = str(arguments.get("region") or home)
    given = {
        key: value for key, value in {**arguments, "id": _digest(12, function.token)}.items() if key in function.results
    }
    placed = {"region": region} if "region" in function.results else {}
    return {**given, **placed, **ANSWERS[function.token](arguments, region)}
