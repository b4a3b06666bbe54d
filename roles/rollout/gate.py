"""The gate: a canary is measured against the others, where requests are divided; the rollout stops if it is worse."""

import json
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from infra.inventory import RolloutPolicy
from roles.fleet import Fleet
from roles.rollout.plan import Gate
from roles.scripts.gate import watch_servers
from roles.scripts.layout import ANSWERS_RING, HAPROXY_SOCKET

PAGES = ("/ppwp/hitung-suara", "/static/json/hhcw/ppwp.json", "/static/json/wilayah/0.json", "/version")
"""What a canary without traffic is asked."""


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Group(_Document):
    """What was seen of some servers together: requests, errors, and the 95th percentile of latency in milliseconds."""

    requests: int
    errors: int
    p95_ms: int | None

    @property
    def error_percent(self) -> float:
        """Errors of a hundred requests."""
        return 100 * self.errors / self.requests if self.requests else 0.0


class Measurement(_Document):
    """What was seen.

    Args:
        canary: Of the changed servers.
        others: Of those that they are compared with; no requests if there are none.
        down: Changed servers that HAProxy's own check finds down.
        synthetic: Whether they were asked by the gate itself, because the public asked too little.
    """

    canary: Group
    others: Group
    down: tuple[str, ...]
    synthetic: bool


@dataclass(frozen=True)
class Verdict:
    """What the gate says; `refusal` is None if the rollout may go on."""

    refusal: str | None
    seen: str


def measure(fleet: Fleet, gate: Gate, policy: RolloutPolicy) -> Measurement:
    """Watch the servers for the soak time.

    Raises:
        HostError: The host with the HAProxy doesn't answer.
    """
    asked = {
        "socket": str(HAPROXY_SOCKET),
        "backend": gate.backend,
        "ring": ANSWERS_RING,
        "canaries": gate.canaries,
        "others": gate.others,
        "soak_seconds": policy.soak_seconds,
        "requests": policy.gate_requests,
        "pages": PAGES,
    }
    step = f"watching {', '.join(gate.canaries)}"
    printed = fleet[gate.on].run(step, watch_servers(policy.soak_seconds), json.dumps(asked).encode())
    return Measurement.model_validate_json(printed)


def judge(measured: Measurement, policy: RolloutPolicy) -> Verdict:
    """Compare."""
    canary, others = measured.canary, measured.others
    kind = "synthetic requests" if measured.synthetic else "requests"
    seen = (
        f"{canary.requests} {kind}, {canary.error_percent:.2f} % errors, p95 {canary.p95_ms} ms; "
        f"the others {others.requests}, {others.error_percent:.2f} %, {others.p95_ms} ms"
    )
    return Verdict(_refusal(measured, policy), seen)


def _refusal(measured: Measurement, policy: RolloutPolicy) -> str | None:
    canary, others = measured.canary, measured.others
    if measured.down:
        return f"{', '.join(measured.down)} is down"
    if canary.error_percent > others.error_percent + policy.gate_error_percent:
        return f"its error rate is {canary.error_percent:.2f} %, the others' {others.error_percent:.2f} %"
    limit = max(policy.gate_latency_ms, policy.gate_latency_ratio * (others.p95_ms or 0))
    if canary.p95_ms is not None and canary.p95_ms > limit:
        return f"its 95th percentile of latency is {canary.p95_ms} ms, and {limit:.0f} ms are allowed"
    return None
