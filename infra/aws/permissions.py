"""What an IAM policy says, as data: every policy of the AWS program is built here or of these."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

VERSION = "2012-10-17"


@dataclass(frozen=True)
class Statement:
    """A statement of a policy that allows something.

    Args:
        sid: What it is for, letters and digits only.
        actions: API actions; none with a wildcard.
        resources: ARNs; empty in a trust policy, whose resource is the role itself.
        conditions: Operator, key, value or values.
        principal: Who, in a policy that belongs to a resource: a service such as `ec2.amazonaws.com`, or `*`.
    """

    sid: str
    actions: Sequence[str]
    resources: Sequence[str] = ()
    conditions: Mapping[str, Mapping[str, str | Sequence[str]]] = field(
        default_factory=dict[str, Mapping[str, str | Sequence[str]]]
    )
    principal: str | None = None

    def document(self) -> dict[str, object]:
        """The statement as IAM reads it."""
        document: dict[str, object] = {"Sid": self.sid, "Effect": "Allow", "Action": list(self.actions)}
        if self.principal is not None:
            document["Principal"] = "*" if self.principal == "*" else {"Service": self.principal}
        if self.resources:
            document["Resource"] = list(self.resources)
        if self.conditions:
            document["Condition"] = self.conditions
        return document


def policy(*statements: Statement) -> str:
    """A policy in JSON."""
    return json.dumps({"Version": VERSION, "Statement": [statement.document() for statement in statements]})


def trust(service: str, account_id: str | None = None) -> str:
    """The policy that lets a service take a role.

    Args:
        service: Its principal, such as `ec2.amazonaws.com`.
        account_id: The account that it must act for, where the service says so (not EC2).
    """
    conditions = {"StringEquals": {"aws:SourceAccount": account_id}} if account_id else {}
    return policy(Statement("Trust", ["sts:AssumeRole"], principal=service, conditions=conditions))
