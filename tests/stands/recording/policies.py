"""IAM policy documents: what aws.iam.getPolicyDocument renders."""

import json
from typing import Any, cast

VERSION = "2012-10-17"
LISTS = {"actions": "Action", "notActions": "NotAction", "resources": "Resource", "notResources": "NotResource"}
PRINCIPALS = {"principals": "Principal", "notPrincipals": "NotPrincipal"}


def render(arguments: dict[str, Any]) -> str:
    """The JSON text of a document."""
    statements = cast("list[dict[str, Any]]", arguments.get("statements") or [])
    document: dict[str, Any] = {"Version": arguments.get("version") or VERSION}
    if arguments.get("policyId"):
        document["Id"] = arguments["policyId"]
    document["Statement"] = [_statement(statement) for statement in statements]
    return json.dumps(document, indent=2)


def _statement(given: dict[str, Any]) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": given["sid"]} if given.get("sid") else {}
    statement["Effect"] = given.get("effect") or "Allow"
    statement |= {word: _one_or_all(given[key]) for key, word in LISTS.items() if given.get(key)}
    statement |= {word: _principals(given[key]) for key, word in PRINCIPALS.items() if given.get(key)}
    conditions: dict[str, dict[str, Any]] = {}
    for condition in cast("list[dict[str, Any]]", given.get("conditions") or []):
        conditions.setdefault(condition["test"], {})[condition["variable"]] = _one_or_all(condition["values"])
    return {**statement, "Condition": conditions} if conditions else statement


def _principals(given: list[dict[str, Any]]) -> Any:
    if any(principal["type"] == "*" for principal in given):
        return "*"
    return {principal["type"]: _one_or_all(principal["identifiers"]) for principal in given}


def _one_or_all(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values
