"""Stacks of any shape, and hosts in any state, for tests of plans."""

import datetime as dt
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from hypothesis import strategies as st

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import Inventory, RolloutPolicy
from roles.aws.targets import ServerState
from roles.hosts.audit import Entry, HostLog, Operator
from roles.hosts.state import HostState, NoRelease, Observation
from roles.on_host.log import Digest
from roles.rollout.build import ReleasePlanner
from roles.rollout.changes import Target
from roles.rollout.plan import Rollout
from roles.scripts.host_files import HostFile

OLD, NEW = "1.0.0-old", "1.1.0-new"
LOCATIONS = ("barat", "timur", "utara", "selatan")
DRAINED = HostFile(PurePosixPath("/etc/nginx/nginx.conf"), b"new", drained=True)
BASE = HostFile(PurePosixPath("/etc/ssh/x.conf"), b"base")
OPERATOR = Operator(who="siti", machine="meja")


def host(name: str, location: str, role: str, number: int) -> dict[str, object]:
    return {
        "name": name,
        "location": location,
        "kind": "lab",
        "roles": ["base", role],
        "address": f"198.18.{number // 250}.{number % 250 + 1}",
        "ssh_user": "deploy",
        "host_keys": ["ssh-ed25519 AAAA"],
    }


def member(name: str, location: str, number: int) -> dict[str, object]:
    """An app host of a group."""
    own = {"kind": "aws", "address": f"i-{number:017x}", "ssh_proxy": ["aws", "ssm", "start-session"]}
    return {**host(name, location, "app", number), **own}


def balanced(place: str) -> dict[str, object]:
    return {"name": place, "kind": "lab", "endpoint": {"address": "198.18.9.1", "port": 80}}


def group(place: str) -> dict[str, object]:
    arn = f"arn:aws:elasticloadbalancing:ap-southeast-3:1:targetgroup/{place}/1"
    tags = {"tegak:location": place}
    return {"name": place, "kind": "aws", "region": "ap-southeast-3", "tags": tags, "target_group_arn": arn}


def inventory(app_hosts: Sequence[int], groups: Collection[str] = ()) -> Inventory:
    """A stack with a location for each number, which has so many app hosts; some may be groups behind a CDN."""
    hosts: list[dict[str, object]] = []
    places = LOCATIONS[: len(app_hosts)]
    for place, count in zip(places, app_hosts, strict=True):
        names = [f"{place}-app-{number}" for number in range(1, count + 1)]
        if place in groups:
            hosts += [member(name, place, len(hosts) + number) for number, name in enumerate(names)]
            continue
        hosts.append(host(f"{place}-lb-1", place, "lb", len(hosts)))
        hosts += [host(name, place, "app", len(hosts) + number) for number, name in enumerate(names)]
    if not groups:
        hosts.append(host("edge-1", "edge", "edge", len(hosts)))
    return Inventory.model_validate(
        {
            "schema": 1,
            "operator_key": {"file": ".secrets/operator.pub", "public": "ssh-ed25519 AAAA"},
            "stack": "uji",
            "locations": [group(place) if place in groups else balanced(place) for place in places],
            "edge": {"server_name": "uji.test", "url": "https://198.18.9.9"},
            "hosts": hosts,
        }
    )


def state(
    release: str | None = OLD, *, ready: bool = True, snapshot: str | None = "s", files: bool = True
) -> HostState:
    wanted = {str(file.path): file.fingerprint for file in (DRAINED, BASE)}
    return HostState(
        release=release,
        running_release=release,
        releases=tuple(filter(None, [release, NEW])),
        snapshot=snapshot,
        ready=ready,
        files=wanted if files else {},
        writable=True,
        free_bytes=10**12,
        python="3.11",
    )


def healthy(app_hosts: Sequence[int] = (2, 2), release: str = OLD, groups: Collection[str] = ()) -> Observation:
    """A stack on which every host serves."""
    stack = inventory(app_hosts, groups)
    servers: dict[str, ServerState] = {each.name: "up" for each in stack.with_role("app")}
    locations: dict[str, ServerState] = {} if groups else {place.name: "up" for place in stack.locations}
    return Observation(stack, {each.name: state(release) for each in stack.hosts}, {}, servers, locations)


def target(observed: Observation, release: str | NoRelease = NEW) -> Target:
    hosts = observed.inventory.hosts
    files = {each.name: [BASE, DRAINED] if "app" in each.roles else [BASE] for each in hosts}
    base = {each.name: [BASE] for each in hosts}
    return Target(release, None, files, base)


def rollout(policy: RolloutPolicy | None = None) -> Rollout:
    return Rollout("id", "deploy", policy or RolloutPolicy())


def planner(observed: Observation, policy: RolloutPolicy | None = None) -> ReleasePlanner:
    return ReleasePlanner(observed, rollout(policy), target(observed))


def entry(id_: str, action: str, minute: int = 0, **fields: object) -> Entry:
    """An entry whose order and time are the same minute, where they are not given."""
    at = dt.datetime(2029, 2, 14, 12, minute, tzinfo=dt.UTC)
    document = {"id": id_, "at": at, "order": minute, "action": action, "operator": OPERATOR, **fields}
    return Entry.model_validate(document)


def said_by(digest: Digest) -> HostLog:
    """What a host says of its log, once it has read it so far."""
    return HostLog(
        decisive=tuple(Entry.model_validate(each) for each in digest.entries()),
        newest_id=digest.newest,
        order=digest.order,
        refused=digest.refused,
    )


def host_log(*entries: Entry) -> HostLog:
    """What a host says of a log with such entries."""
    digest = Digest()
    for each in entries:
        digest.take(each.line())
    return said_by(digest)


HOW_OFTEN: tuple[ServerState, ...] = ("up", "up", "up", "down", "drained")
server_states = st.sampled_from(HOW_OFTEN)


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    """Any stack, in any state."""
    app_hosts = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    behind_cdn = draw(st.booleans())
    groups = draw(st.sets(st.sampled_from(LOCATIONS[: len(app_hosts)]), min_size=1)) if behind_cdn else ()
    stack = inventory(app_hosts, groups)
    states: dict[str, HostState] = {}
    errors: dict[str, OperatorError] = {}
    servers: dict[str, ServerState] = {}
    for each in stack.hosts:
        if draw(st.integers(0, 9)) == 0:
            errors[each.name] = OperatorError(f"{each.name} does not answer")
            continue
        states[each.name] = state(
            draw(st.sampled_from([OLD, OLD, OLD, NEW, None])),
            ready=draw(st.sampled_from([True, True, False])),
            snapshot=draw(st.sampled_from(["s", "s", None])),
            files=draw(st.booleans()),
        )
    places: dict[str, ServerState] = {}
    for place in stack.locations:
        if not groups:
            places[place.name] = draw(server_states)
        known = f"{place.name}-lb-1" in states and draw(st.integers(0, 9))
        if place.name in groups:
            known = bool(draw(st.integers(0, 9)))
            if not known:
                errors[place.name] = OperatorError("AWS does not answer")
        if known:
            for each in stack.with_role("app", place.name):
                servers[each.name] = draw(server_states)  # one that answers no ssh may serve all the same
    return Observation(stack, states, errors, servers, places)


policies = st.builds(
    RolloutPolicy,
    max_parallel=st.integers(1, 30),
    capacity_floor_percent=st.integers(0, 100),
    soak_seconds=st.just(0),
)
