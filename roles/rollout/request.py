"""How a rollout is asked for: by whom, why, and how careful it is to be."""

import datetime as dt
import getpass
import os
import secrets
import socket
from dataclasses import dataclass, field, fields
from typing import Any

from pydantic import ValidationError

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import RolloutPolicy
from roles.hosts.audit import Operator

MAXIMUM_REASON = 1000


def this_operator() -> Operator:
    """Who acts: $TEGAK_OPERATOR, or the user of this machine."""
    who = os.environ.get("TEGAK_OPERATOR") or getpass.getuser()
    return Operator(who=who.encode(errors="replace").decode(), machine=socket.gethostname())


def new_id(now: dt.datetime) -> str:
    """A rollout's name, which sorts by time."""
    return f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def check_reason(reason: str) -> str:
    """A reason as the log keeps it.

    Raises:
        OperatorError: It is too long to be read by anybody, or its bytes are no text.
    """
    try:
        reason.encode()
    except UnicodeEncodeError:
        raise OperatorError("the reason is not UTF-8; nothing was changed") from None
    if len(reason) > MAXIMUM_REASON:
        raise OperatorError(
            f"the reason has {len(reason)} characters, and {MAXIMUM_REASON} are enough; nothing was changed"
        )
    return reason


@dataclass(frozen=True)
class Request:
    """How a rollout was asked for.

    Args:
        policy: How careful it is.
        reason: Why.
        emergency: Whether a lock and a freeze are overruled.
        shown: `plan` or `dry-run`: nothing is done.
    """

    policy: RolloutPolicy
    reason: str = ""
    emergency: bool = False
    shown: str = ""


def _option(default: object, text: str) -> Any:  # noqa: ANN401  # as dataclasses.field
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True, kw_only=True)
class RolloutOptions:
    """What an operator may type with a rollout; a task takes all of them, or some.

    `None` leaves it to the stack's own policy (`RolloutPolicy`), whose fields have the same names.
    """

    reason: str = _option("", "Why: it is in the log, and shown to whoever it stops.")
    max_parallel: int | None = _option(None, "App hosts of a location at the same time.")
    soak_seconds: int | None = _option(None, "How long a canary is watched.")
    capacity_floor_percent: int | None = _option(None, "Part of a location that always goes on serving.")
    unreachable_hosts: int | None = _option(None, "Hosts that may be unreachable.")
    failed_hosts: int | None = _option(None, "Hosts that a step may fail on.")
    accept_doubt: bool = _option(default=False, text="Go on where a gate can't tell whether a canary is worse.")
    dry_run: bool = _option(default=False, text="Print what would run on each host, to the letter, and do nothing.")
    emergency: bool = _option(default=False, text="Overrule a lock and a freeze; needs --reason.")

    def request(self, policy: RolloutPolicy) -> Request:
        """The rollout that is asked for.

        Args:
            policy: The stack's own.

        Raises:
            OperatorError: An option is out of bounds, or an emergency has no reason.
        """
        if self.emergency and not self.reason.strip():
            raise OperatorError("an emergency needs a reason", next_command="the same with --reason '…'")
        named = {
            each.name: getattr(self, each.name) for each in fields(self) if each.name in RolloutPolicy.model_fields
        }
        if self.accept_doubt:
            named["gate_in_doubt"] = "go on"
        shown = "dry-run" if self.dry_run else ""
        return Request(policy_for(policy, **named), check_reason(self.reason), self.emergency, shown)


def policy_for(policy: RolloutPolicy, **overrules: object) -> RolloutPolicy:
    """A policy with a task's own options.

    Raises:
        OperatorError: An option is out of bounds.
    """
    given = {name: value for name, value in overrules.items() if value is not None}
    try:
        # Options of a task are text.
        return RolloutPolicy.model_validate({**policy.model_dump(), **given}, strict=False)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("_", "-")
        raise OperatorError(
            f"--{option} is {first['input']!r}: {first['msg']}", next_command="fab --help deploy"
        ) from error
