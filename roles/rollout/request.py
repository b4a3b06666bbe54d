"""How a rollout is asked for: by whom, why, and how careful it is to be."""

import datetime as dt
import getpass
import os
import secrets
import socket
from dataclasses import dataclass

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
