"""IAM policies as data: every policy of the program is built here.

They name actions one by one, and the resource or the one who asks as closely as AWS lets them. In a key's or a bucket's
own policy, the resource `*` of KMS means that key alone.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

VERSION = "2012-10-17"
Conditions = Mapping[str, Mapping[str, str | Sequence[str]]]
"""Operator, key, value or values: all must hold."""


@dataclass(frozen=True)
class Principal:
    """Who is meant, in a policy that belongs to a resource.

    Args:
        kind: Whether an AWS service, or somebody of an account.
        name: The service's name, or an ARN.
    """

    kind: Literal["AWS", "Service"]
    name: str


EVERYBODY = "*"


def service(name: str) -> Principal:
    """An AWS service.

    Args:
        name: Its name without its end: `ec2`, `logs.ap-southeast-3`.
    """
    return Principal("Service", f"{name}.amazonaws.com")


def whom_iam_lets(account: str) -> Principal:
    """Those of an account to whom IAM gives it."""
    return Principal("AWS", f"arn:aws:iam::{account}:root")


@dataclass(frozen=True)
class Statement:
    """A statement of a policy.

    Args:
        sid: What it is for, letters and digits only.
        actions: API actions; none with a wildcard in what is allowed.
        resources: ARNs; empty in a trust policy, whose resource is the role itself.
        conditions: When it holds.
        principal: Who; None in a policy that belongs to a role.
        effect: Whether it allows or denies.
    """

    sid: str
    actions: Sequence[str]
    resources: Sequence[str] = ()
    conditions: Conditions = field(default_factory=dict[str, Mapping[str, str | Sequence[str]]])
    principal: Principal | Literal["*"] | None = None
    effect: Literal["Allow", "Deny"] = "Allow"

    def document(self) -> dict[str, object]:
        """The statement as IAM reads it."""
        document: dict[str, object] = {"Sid": self.sid, "Effect": self.effect}
        match self.principal:
            case Principal(kind, name):
                document["Principal"] = {kind: name}
            case "*":
                document["Principal"] = EVERYBODY
            case None:
                pass
        document["Action"] = list(self.actions)
        if self.resources:
            document["Resource"] = list(self.resources)
        if self.conditions:
            document["Condition"] = self.conditions
        return document


def policy(*statements: Statement) -> str:
    """A policy in JSON."""
    return json.dumps({"Version": VERSION, "Statement": [statement.document() for statement in statements]})


def trust(who: Principal, conditions: Conditions | None = None, *, sid: str = "Trust") -> str:
    """The policy that lets a service take a role.

    Args:
        who: The service.
        conditions: For whom it must act, where the service says so (EC2 doesn't).
        sid: What it takes the role for.
    """
    return policy(Statement(sid, ["sts:AssumeRole"], principal=who, conditions=conditions or {}))


def for_account(account: str) -> Conditions:
    """A service acts for an account."""
    return {"StringEquals": {"aws:SourceAccount": account}}


def for_source(account: str, arn: str, equal: Mapping[str, str] | None = None) -> Conditions:
    """A service acts for something of an account.

    Args:
        account: The account's id.
        arn: What it acts for; may have wildcards.
        equal: What must be so besides.
    """
    return {"StringEquals": {"aws:SourceAccount": account, **(equal or {})}, "ArnLike": {"aws:SourceArn": arn}}


def for_exactly(arn: str, equal: Mapping[str, str] | None = None) -> Conditions:
    """A service acts for one thing.

    Args:
        arn: Its ARN.
        equal: What must be so besides.
    """
    return {"StringEquals": {"aws:SourceArn": arn, **(equal or {})}}


def no_plain_text(bucket: str) -> Statement:
    """A bucket answers nobody without encryption.

    Args:
        bucket: Its ARN.
    """
    return Statement(
        "NoPlainText",
        ["s3:*"],
        [bucket, f"{bucket}/*"],
        {"Bool": {"aws:SecureTransport": "false"}},
        principal=EVERYBODY,
        effect="Deny",
    )
