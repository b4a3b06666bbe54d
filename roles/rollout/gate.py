"""The gate: a canary is compared with the others on the same requests, and the rollout stops if it is worse.

The requests are our own: addresses of the site that exist, each asked of the canary and of one of the others at about
the same time, in turn, over the soak time. What the public asks meanwhile is the load that they are compared under; it
is not counted, since whoever asks could turn what is counted (docs/decisions/0057-the-gate.md).

Where a host divides requests, it asks its servers as it sees them. A load balancer of AWS is no host, and lets nobody
ask one of its servers: there each host is asked the same by itself.
"""

import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from app.addresses import HEALTH, RELEASE, page
from app.layout import JSON_ROOT, VERSION, candidates_file, count_file
from infra.bridge.errors import OperatorError
from infra.bridge.inventory import RolloutPolicy
from roles.hosts.connection import HostError
from roles.hosts.fleet import Fleet
from roles.hosts.pool import read_group_pool
from roles.rollout.comparison import Losses, compare, pairs_needed
from roles.rollout.plan import Gate
from roles.scripts.gate import watch_host, watch_servers
from roles.scripts.layout import HAPROXY_SOCKET

FIXED = ("/", HEALTH, RELEASE, f"/{VERSION}")
NATION = f"/{JSON_ROOT}/wilayah/0.json"
ELECTION, REGION = "{election}", "{region}"
OF_ELECTION = (page(ELECTION), f"/{candidates_file(ELECTION)}", f"/{count_file(ELECTION, ())}")
ADDRESSES: Mapping[str, object] = {
    "fixed": FIXED,
    "election": RELEASE,
    "of_election": OF_ELECTION,
    "nation": NATION,
    "names": f"/{JSON_ROOT}/wilayah{REGION}.json",
    "of_region": (f"{page(ELECTION)}{REGION}", f"/{JSON_ROOT}/hhcw/{ELECTION}{REGION}.json"),
}
"""What is asked: what is always there, what there is of the election that is shown, which a server says itself, and of
each region. A release that has none of one of these is
worse than one that has: a new kind of address is added here once no host keeps a release without it."""

SLOW_PERCENT = 5
"""So many more of its answers than of the others' may be slow: what is limited is a 95th percentile."""

HTTP_PORT = 80
"""Where every app host serves, whatever else its load balancer asks it at."""

Outcome = Literal["pass", "refuse", "cannot tell"]


class Watched(BaseModel):
    """What a program on a host prints.

    Args:
        answers: Server, the request's number and address, and how many milliseconds it took; None if it failed.
        down: Changed servers that HAProxy's own check finds down.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    answers: tuple[tuple[str, int, str, float | None], ...]
    down: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pair:
    """A request: the milliseconds of both answers, None where there was none."""

    canary: float | None
    other: float | None


@dataclass(frozen=True)
class Measurement:
    """What was seen.

    Args:
        pairs: The requests; where there is nothing to compare with, of the canary alone.
        compared: Whether there is something to compare with.
        down: Changed servers that their load balancer's own check finds down.
    """

    pairs: tuple[Pair, ...]
    compared: bool
    down: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What the gate says.

    Args:
        outcome: Whether the rollout may go on.
        reason: Why it may not, or what can't be told; empty if it may.
        seen: What was seen, for the log.
    """

    outcome: Outcome
    reason: str
    seen: str


class DoubtError(OperatorError):
    """The gate can't tell whether a canary is worse, and nobody was there to decide: all is left as it is.

    Args:
        canaries: What it is about.
        reason: What can't be told.
    """

    def __init__(self, canaries: str, reason: str) -> None:
        super().__init__(
            f"{canaries}: gate: it can't be told whether it is worse: {reason}; it goes on serving with the change, "
            "nothing else is touched, and the lock is kept",
            next_command="fab resume goes on with the next hosts (--accept-doubt: whatever a gate can't tell), "
            "fab abort goes back",
        )


def requests_for(policy: RolloutPolicy) -> int:
    """How many requests are asked of a canary, and as many of the others together."""
    return max(policy.gate_requests, pairs_needed(min(policy.gate_error_percent, SLOW_PERCENT) / 100))


def measure(fleet: Fleet, gate: Gate, policy: RolloutPolicy) -> Measurement:
    """Ask the servers during the soak time.

    Raises:
        HostError: A host that is asked to ask doesn't answer.
    """
    asked = {
        **ADDRESSES,
        "seed": secrets.token_hex(4),
        "requests": requests_for(policy),
        "seconds": policy.soak_seconds,
    }
    if gate.backend is None:
        return _measure_each(fleet, gate, policy, asked)
    servers = {"canaries": gate.canaries, "others": gate.others}
    request = {**asked, **servers, "socket": str(HAPROXY_SOCKET), "backend": gate.backend}
    step = f"watching {', '.join(gate.canaries)}"
    printed = fleet[gate.on].run(step, watch_servers(policy.soak_seconds), json.dumps(request).encode())
    seen = Watched.model_validate_json(printed)
    return Measurement(pair_up([seen], gate), compared=bool(gate.others), down=seen.down)


def _measure_each(fleet: Fleet, gate: Gate, policy: RolloutPolicy, asked: Mapping[str, object]) -> Measurement:
    """Where no host divides requests over the others: each one asks itself, at the same time."""
    script = watch_host(policy.soak_seconds)
    hosts = [host for host in fleet.inventory.hosts if host.name in {*gate.canaries, *gate.others}]
    requests = {
        host.name: json.dumps({**asked, "canaries": [host.name], "others": [], "port": HTTP_PORT}).encode()
        for host in hosts
    }
    printed = fleet.on_each(hosts, lambda host: fleet[host].run("watching itself", script, requests[host.name]))
    for name in gate.canaries:
        if isinstance(error := printed[name], OperatorError):
            raise error
    # One of the others that doesn't answer is no reason to think better or worse of the canary.
    seen = [Watched.model_validate_json(text) for text in printed.values() if isinstance(text, str)]
    states = {name: state for host in hosts for name, state in read_group_pool(fleet.inventory, host.location).items()}
    down = tuple(name for name in gate.canaries if states.get(name) != "up")
    return Measurement(pair_up(seen, gate), compared=bool(gate.others), down=down)


def pair_up(seen: Sequence[Watched], gate: Gate) -> tuple[Pair, ...]:
    """Each request that a canary was asked, with the same of one of the others, now this one and now that."""
    answers = [answer for part in seen for answer in part.answers]
    others: dict[tuple[int, str], list[float | None]] = {}
    for server, number, address, milliseconds in answers:
        if server in gate.others:
            others.setdefault((number, address), []).append(milliseconds)
    pairs: list[Pair] = []
    for server, number, address, milliseconds in answers:
        if server not in gate.canaries:
            continue
        same = others.get((number, address), [])
        if same or not gate.others:
            pairs.append(Pair(milliseconds, same[number % len(same)] if same else None))
    return tuple(pairs)


def judge(measured: Measurement, policy: RolloutPolicy) -> Verdict:
    """Compare: what fails, then what is slow."""
    failures, slowness = _failures(measured), _slowness(measured, policy)
    seen = _seen(measured, failures, slowness)
    if measured.down:
        return Verdict("refuse", f"{', '.join(measured.down)} is down", seen)
    parts = (
        ("failed", failures, policy.gate_error_percent),
        (f"was slow to answer ({_slow(measured, policy)})", slowness, SLOW_PERCENT),
    )
    found = [(compare(losses, allowed / 100), what, losses, allowed) for what, losses, allowed in parts]
    for finding, what, losses, allowed in found:
        if finding == "worse":
            return Verdict("refuse", f"it {what} {_counted(losses)}, and {allowed:g} % more are allowed", seen)
    for finding, what, losses, allowed in found:
        if finding == "unknown" and not losses.pairs:
            return Verdict("cannot tell", "there is no request that it and the others answered", seen)
        if finding == "unknown":
            possible = f"{100 * losses.highest_difference:.1f} % more are possible, and {allowed:g} % are allowed"
            return Verdict("cannot tell", f"it {what} {_counted(losses)}: {possible}", seen)
    return Verdict("pass", "", seen)


def settle_doubt(
    canaries: str,
    reason: str,
    policy: RolloutPolicy,
    note: Callable[[str], None],
    ask: Callable[[str], bool | None],
) -> None:
    """Have it decided what the gate can't tell.

    Args:
        canaries: What it is about.
        reason: What can't be told.
        policy: Whether anybody is asked.
        note: Shows a line.
        ask: Asks the operator; None where nobody answers.

    Raises:
        HostError: The operator goes back.
        DoubtError: Nobody answers.
    """
    note(f"gate: {canaries}: it can't be told whether it is worse: {reason}")
    if policy.gate_in_doubt == "go on":
        note("gate: the rollout goes on all the same, as was asked for")
        return
    decided = ask(f"gate: is {canaries} to stay as it is now, and the rollout to go on?")
    if decided is None:
        raise DoubtError(canaries, reason)
    if not decided:
        raise HostError(canaries, "gate", f"the operator goes back: {reason}", "fab history")


def _failures(measured: Measurement) -> Losses:
    """Requests that one failed and another answered. What both fail says nothing about the one or the other."""
    pairs = measured.pairs
    if not measured.compared:
        return Losses(len(pairs), sum(pair.canary is None for pair in pairs), None)
    canary = sum(pair.canary is None and pair.other is not None for pair in pairs)
    other = sum(pair.canary is not None and pair.other is None for pair in pairs)
    return Losses(sum(pair.canary is not None or pair.other is not None for pair in pairs), canary, other)


def _slowness(measured: Measurement, policy: RolloutPolicy) -> Losses:
    """Answered requests that one took too long for, by what the other took."""

    def slower(one: float, another: float) -> bool:
        return one > max(policy.gate_latency_ms, policy.gate_latency_ratio * another)

    if not measured.compared:
        taken = [pair.canary for pair in measured.pairs if pair.canary is not None]
        return Losses(len(taken), sum(slower(milliseconds, 0) for milliseconds in taken), None)
    both = [(p.canary, p.other) for p in measured.pairs if p.canary is not None and p.other is not None]
    return Losses(len(both), sum(slower(one, two) for one, two in both), sum(slower(two, one) for one, two in both))


def _slow(measured: Measurement, policy: RolloutPolicy) -> str:
    limit = f"over {policy.gate_latency_ms} ms"
    return f"{limit} and {policy.gate_latency_ratio:g} times as long" if measured.compared else limit


def _counted(losses: Losses) -> str:
    if losses.other is None:
        return f"{losses.canary} of {losses.pairs} requests"
    return f"{losses.canary} of {losses.pairs} requests, the others {losses.other}"


def _seen(measured: Measurement, failures: Losses, slowness: Losses) -> str:
    canary = _p95(pair.canary for pair in measured.pairs)
    if not measured.compared:
        return f"{len(measured.pairs)} requests, {failures.canary} failed, p95 {canary}; nothing to compare with"
    other = _p95(pair.other for pair in measured.pairs)
    return (
        f"{len(measured.pairs)} requests, {failures.canary} failed here alone, {slowness.canary} slow, p95 {canary}; "
        f"the others the same, {failures.other}, {slowness.other}, {other}"
    )


def _p95(milliseconds: Iterable[float | None]) -> str:
    taken = sorted(value for value in milliseconds if value is not None)
    return f"{taken[min(len(taken) - 1, len(taken) * 95 // 100)]:.0f} ms" if taken else "unknown"
