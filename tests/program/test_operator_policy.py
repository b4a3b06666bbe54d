"""docs/aws-operator.json: what the person who runs `pulumi up` may do."""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from infra.settings.stack import parse_settings
from tests.program.aws_site import CONFIG
from tests.stands.graph import Graph

FILE = Path(__file__).resolve().parents[2] / "docs/aws-operator.json"
MOST_CHARACTERS = 6144
"""Of a managed policy, spaces not counted: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html."""

SERVICES = {"cloudwatch": {"cloudwatch", "logs"}, "lb": {"elasticloadbalancing"}, "vpc": {"ec2"}}
"""Services of pulumi-aws's modules, where they have another name or are more than one."""

Statement = dict[str, Any]


@pytest.fixture
def statements() -> list[Statement]:
    return cast("list[Statement]", json.loads(FILE.read_text(encoding="utf-8"))["Statement"])


def actions(statement: Statement) -> list[str]:
    found = statement["Action"]
    return [found] if isinstance(found, str) else found


def test_the_operators_policy_covers_every_service_that_the_site_is_made_of(
    usual: Graph, statements: list[Statement]
) -> None:
    allowed = {action.split(":")[0] for s in statements if s["Effect"] == "Allow" for action in actions(s)}
    made = {made.type.split(":")[1].split("/")[0] for made in usual.of_aws()}
    needed = {service for module in made for service in SERVICES.get(module, {module})}
    assert needed <= allowed, needed - allowed


def test_the_operators_policy_is_held_to_the_regions_of_the_stack(statements: list[Statement]) -> None:
    (regional,) = [s for s in statements if s["Sid"] == "PartsInTheStacksRegions"]
    regions = regional["Condition"]["StringEquals"]["aws:RequestedRegion"]
    assert set(regions) == set(parse_settings(CONFIG, "uji").regions)
    everywhere = [s for s in statements if s["Effect"] == "Allow" and s["Resource"] == "*" and "Condition" not in s]
    assert not everywhere


def test_the_operator_makes_no_users_and_no_roles_but_the_stacks(statements: list[Statement]) -> None:
    for statement in statements:
        iam = [action for action in actions(statement) if action.startswith("iam:")]
        assert not [action for action in iam if "*" in action or "User" in action or "AccessKey" in action]
        changes = [a for a in iam if not a.startswith(("iam:Get", "iam:List")) and "ServiceLinked" not in a]
        if changes and statement["Effect"] == "Allow":
            assert statement.get("Condition"), statement["Sid"]


def test_the_operator_lifts_no_lock_and_stops_no_audit(statements: list[Statement]) -> None:
    (never,) = [s for s in statements if s["Effect"] == "Deny"]
    assert {"s3:BypassGovernanceRetention", "cloudtrail:StopLogging", "cloudtrail:DeleteTrail"} <= set(actions(never))


def test_the_operators_policy_is_small_enough_for_aws() -> None:
    assert len(json.dumps(json.loads(FILE.read_text(encoding="utf-8")), separators=(",", ":"))) < MOST_CHARACTERS
