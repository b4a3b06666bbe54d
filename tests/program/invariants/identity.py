"""Who may do what."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from tests.stands.graph import Graph, Resource, parts

DOCUMENTS = ("assumeRolePolicy", "policy", "policyDocument")
"""Inputs that hold a policy, in whatever resource."""

ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
"""Its policy speaks of everybody, and gives nobody anything: it narrows what others give."""

KEY = "aws:kms/key:Key"
"""In its policy, the resource `*` is the key itself."""

WILD = re.compile(r"^(\*|arn:aws:[^:]*:[^:]*:[^:]*:\*)$")


def every_policy_can_be_read_and_is_minimal(graph: Graph) -> Iterator[str]:
    """Each parses; none allows a family of actions on everything, or all but some."""
    for resource, key, text in _policies(graph):
        try:
            statements = list(_statements(text))
        except (ValueError, KeyError, TypeError):
            yield f"{key} of the {resource.kind} {resource.name} is no policy"
            continue
        for statement in statements:
            yield from _too_wide(resource, statement)


def no_policy_lets_everybody_in(graph: Graph) -> Iterator[str]:
    """What is allowed is allowed to somebody, or under a condition."""
    for resource, _, text in _policies(graph):
        if resource.type == ENDPOINT:
            continue
        for statement in _readable_statements(text):
            if statement["Effect"] == "Allow" and not statement.get("Condition") and _is_everybody(statement):
                yield f"the policy of the {resource.kind} {resource.name} lets everybody in"


def _too_wide(resource: Resource, statement: Mapping[str, Any]) -> Iterator[str]:
    if statement["Effect"] != "Allow":
        return
    excluding = sorted({"NotAction", "NotResource", "NotPrincipal"} & set(statement))
    if excluding:
        yield f"the policy of the {resource.kind} {resource.name} allows all but some: {', '.join(excluding)}"
    families = [action for action in _list(statement.get("Action")) if "*" in action]
    everything = [name for name in _list(statement.get("Resource")) if WILD.match(name)]
    if families and everything and resource.type != KEY:
        yield f"the policy of the {resource.kind} {resource.name} allows {families[0]} on {everything[0]}"


def _policies(graph: Graph) -> Iterator[tuple[Resource, str, Any]]:
    for resource in graph.of_aws():
        for key in DOCUMENTS:
            if resource.inputs.get(key) is not None:
                yield resource, key, resource.inputs[key]
        for inline in parts(resource.inputs, "inlinePolicies"):
            yield resource, "inlinePolicies", inline["policy"]


def _statements(text: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401  # JSON
    document = json.loads(text) if isinstance(text, str) else text
    statements = document["Statement"]
    for statement in cast("list[dict[str, Any]]", statements if isinstance(statements, list) else [statements]):
        if statement["Effect"] not in ("Allow", "Deny") or not {"Action", "NotAction"} & set(statement):
            raise ValueError(statement)
        yield statement


def _readable_statements(text: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # JSON
    try:
        return list(_statements(text))
    except (ValueError, KeyError, TypeError):
        return []  # the other invariant says so


def _is_everybody(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal")
    if isinstance(principal, dict):
        return "*" in _list(cast("dict[str, Any]", principal).get("AWS"))
    return principal == "*"


def _list(value: Any) -> list[str]:  # noqa: ANN401  # JSON
    if value is None:
        return []
    return cast("list[str]", value) if isinstance(value, list) else [str(value)]
