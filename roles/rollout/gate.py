"""The gate: a canary is measured against the others, and the rollout stops if it is worse.

It is measured where requests are divided. A load balancer of AWS says nothing of a single host (CloudWatch has its
figures by group and minute): there each host says what nginx has counted, and is asked by the gate for its latency.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import RolloutPolicy
from roles.hosts.fleet import Fleet
from roles.hosts.pool import read_group_pool
from roles.rollout.plan import Gate
from roles.scripts.gate import watch_host, watch_servers
from roles.scripts.layout import ANSWERS_RING, FAILED_ANSWERS, HAPROXY_SOCKET, NGINX_STATUS_PORT

PAGES = ("/ppwp/hitung-suara", "/static/json/hhcw/ppwp.json", "/static/json/wilayah/0.json", "/version")
"""What a canary without traffic is asked."""

HTTP_PORT = 80
"""Where every app host serves, whatever else its load balancer asks it at."""


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


class _HostSeen(_Document):
    """What a host says of itself: all requests and the real ones of them, errors, latencies of those it was asked."""

    real: int
    requests: int
    errors: int
    milliseconds: list[int]


def measure(fleet: Fleet, gate: Gate, policy: RolloutPolicy) -> Measurement:
    """Watch the servers for the soak time.

    Raises:
        HostError: A host that is asked doesn't answer.
    """
    if gate.backend is None:
        return _measure_each(fleet, gate, policy)
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


def _measure_each(fleet: Fleet, gate: Gate, policy: RolloutPolicy) -> Measurement:
    """Where no host divides requests over the others: each one measures itself."""
    asked = {
        "port": HTTP_PORT,
        "status_port": NGINX_STATUS_PORT,
        "failed_log": str(FAILED_ANSWERS),
        "soak_seconds": policy.soak_seconds,
        "requests": policy.gate_requests,
        "pages": PAGES,
    }
    request, script = json.dumps(asked).encode(), watch_host(policy.soak_seconds)
    hosts = [host for host in fleet.inventory.hosts if host.name in {*gate.canaries, *gate.others}]
    printed = fleet.on_each(hosts, lambda host: fleet[host].run("watching itself", script, request))
    for name in gate.canaries:
        if isinstance(error := printed[name], OperatorError):
            raise error
    # One of the others that doesn't answer is no reason to think better or worse of the canary.
    seen = {name: _HostSeen.model_validate_json(text) for name, text in printed.items() if isinstance(text, str)}
    states = {name: state for host in hosts for name, state in read_group_pool(fleet.inventory, host.location).items()}
    return Measurement(
        canary=_group(seen[name] for name in gate.canaries),
        others=_group(seen[name] for name in gate.others if name in seen),
        down=tuple(name for name in gate.canaries if states.get(name) != "up"),
        synthetic=sum(seen[name].real for name in gate.canaries) < policy.gate_requests,
    )


def _group(parts: Iterable[_HostSeen]) -> Group:
    listed = list(parts)
    taken = sorted(value for part in listed for value in part.milliseconds)
    return Group(
        requests=sum(part.requests for part in listed),
        errors=sum(part.errors for part in listed),
        p95_ms=taken[min(len(taken) - 1, len(taken) * 95 // 100)] if taken else None,
    )


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
