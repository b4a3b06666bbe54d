from dataclasses import replace

import pytest
from hypothesis import assume, given, settings

from infra.errors import OperatorError
from infra.inventory import RolloutPolicy
from roles.rollout.build import ReleasePlanner
from roles.rollout.lock import HostBefore
from roles.rollout.plan import HostChange, Plan
from roles.state import Observation
from tests.unit.roles.fleets import NEW, OLD, healthy, observations, planner, policies, state, target


def plan_of(observed: Observation, policy: RolloutPolicy) -> Plan:
    """The plan; a refusal is no counter-example."""
    try:
        return planner(observed, policy).plan()
    except OperatorError:
        assume(condition=False)
        raise


def activates(change: HostChange) -> bool:
    return any(step.name == "activate" for step in change.steps)


def asks_for_all_at_once(observed: Observation, policy: RolloutPolicy) -> bool:
    return policy.capacity_floor_percent == 0 and policy.max_parallel >= len(observed.inventory.with_role("app"))


def names(plan: Plan) -> list[list[list[str]]]:
    return [[[change.host.name for change in batch] for batch in phase.batches] for phase in plan.phases]


@settings(max_examples=300, deadline=None)
@given(observations(), policies)
def test_no_plan_goes_under_the_capacity_floor_or_takes_the_last_host(
    observed: Observation, policy: RolloutPolicy
) -> None:
    plan = plan_of(observed, policy)
    serving = {name for place in observed.inventory.locations for name in observed.serving(place.name)}
    for phase in plan.phases:
        for batch in phase.batches:
            away = {c.host.name for c in batch if any(step.name.startswith("drain ") for step in c.steps)} & serving
            serving |= {change.host.name for change in batch if change.returns}
            for place in observed.inventory.locations:
                mine = {host.name for host in observed.inventory.with_role("app", place.name)}
                floor = len(mine) * policy.capacity_floor_percent // 100
                if away & mine:
                    assert len((serving & mine) - away) >= floor
            reached = {name for name in serving if observed.is_reached(name.rsplit("-", 2)[0])}
            if away & reached and not asks_for_all_at_once(observed, policy):
                assert reached - away


@settings(max_examples=300, deadline=None)
@given(observations(), policies)
def test_no_host_is_switched_while_it_is_in_the_pool(observed: Observation, policy: RolloutPolicy) -> None:
    for change in plan_of(observed, policy).changes:
        if not activates(change) or change.host.name not in observed.servers:
            continue
        kinds = [step.name.split()[0] for step in change.steps]
        assert kinds == ["drain", "activate", "undrain"]
        assert "state drain" in change.steps[0].do.text
        assert change.steps[0].check is not None  # zero sessions
        assert "state ready" in change.steps[2].do.text


@settings(max_examples=300, deadline=None)
@given(observations(), policies)
def test_undo_mirrors_do_and_puts_only_those_back_into_the_pool_that_were_in_it(
    observed: Observation, policy: RolloutPolicy
) -> None:
    for change in plan_of(observed, policy).changes:
        if not activates(change) or len(change.steps) == 1:
            continue
        drain, activate, undrain = change.steps
        assert undrain.undo is not None
        assert "state drain" in undrain.undo.text
        assert activate.undo is not None
        was_in_pool = observed.servers[change.host.name] in {"up", "down"}
        assert (drain.undo is not None) == was_in_pool
        if drain.undo is not None:
            assert "state ready" in drain.undo.text


@settings(max_examples=300, deadline=None)
@given(observations(), policies)
def test_every_host_that_needs_the_release_gets_it_once(observed: Observation, policy: RolloutPolicy) -> None:
    plan = plan_of(observed, policy)
    switched = [change.host.name for change in plan.changes if activates(change)]
    assert len(switched) == len(set(switched))
    out = {host.name for host in plan.left_out}
    for host in observed.inventory.with_role("app"):
        if host.name in out:
            assert host.name not in switched
        elif observed.states[host.name].release != NEW:
            assert host.name in switched


@settings(max_examples=300, deadline=None)
@given(observations(), policies)
def test_locations_come_one_at_a_time_and_a_canary_is_one_host(observed: Observation, policy: RolloutPolicy) -> None:
    for phase in plan_of(observed, policy).phases:
        places = {change.host.location for batch in phase.batches for change in batch}
        if phase.name == "canary host":
            assert [len(batch) for batch in phase.batches] == [1]
        if phase.name.startswith(("canary location", "location")):
            assert len(places) == 1


def test_a_healthy_stack_begins_with_one_host_then_its_location() -> None:
    plan = planner(healthy((3, 2))).plan()
    assert names(plan) == [
        [["barat-app-1"]],
        [["barat-app-2", "barat-app-3"]],
        [["timur-app-1"], ["timur-app-2"]],
    ]
    gates = [phase.gate for phase in plan.phases]
    assert gates[0] is not None
    assert (gates[0].on.name, gates[0].canaries, gates[0].others) == (
        "barat-lb-1",
        ("barat-app-1",),
        ("barat-app-2", "barat-app-3"),
    )
    assert gates[1] is not None
    assert (gates[1].on.name, gates[1].canaries, gates[1].others) == ("edge-1", ("barat",), ("timur",))
    assert gates[2] is None


def test_where_nothing_serves_all_are_changed_at_once() -> None:
    observed = healthy()
    idle = Observation(observed.inventory, observed.states, {}, {}, {})
    assert names(planner(idle).plan()) == [[["barat-app-1", "barat-app-2", "timur-app-1", "timur-app-2"]]]


def test_a_host_that_is_out_of_the_pool_already_is_the_canary() -> None:
    observed = healthy()
    servers = {**observed.servers, "timur-app-2": "drained"}
    plan = planner(Observation(observed.inventory, observed.states, {}, servers, observed.locations)).plan()  # pyright: ignore[reportArgumentType]
    assert names(plan)[0] == [["timur-app-2"]]
    assert names(plan)[1] == [["timur-app-1"]]


def test_a_host_that_does_not_answer_is_kept_out_of_the_pool_and_nothing_else_is_done_about_it() -> None:
    observed = healthy((4, 2))
    away = "barat-app-3"
    states = {name: known for name, known in observed.states.items() if name != away}
    errors = {away: OperatorError("does not answer")}
    servers = {**observed.servers, away: "down"}
    plan = planner(Observation(observed.inventory, states, errors, servers, observed.locations)).plan()  # pyright: ignore[reportArgumentType]
    assert [host.name for host in plan.left_out] == [away]
    changes = [change for change in plan.changes if change.host.name == away]
    assert [step.name for change in changes for step in change.steps] == [f"drain {away}"]
    assert changes[0].steps[0].undo is None


def test_where_every_host_has_it_there_is_nothing_to_do() -> None:
    assert planner(healthy(release=NEW)).plan().phases == ()


def test_a_location_without_a_host_to_spare_is_refused() -> None:
    observed = healthy()
    servers = {**observed.servers, "barat-app-2": "down"}
    states = {**observed.states, "barat-app-2": state(NEW)}
    sparse = Observation(observed.inventory, states, {}, servers, observed.locations)  # pyright: ignore[reportArgumentType]
    with pytest.raises(OperatorError, match="capacity floor is 1"):
        planner(sparse).plan()


def test_a_resumed_rollout_puts_a_host_back_that_was_in_the_pool_before_it_began() -> None:
    observed = healthy()
    servers = {**observed.servers, "barat-app-1": "drained"}
    half = Observation(observed.inventory, observed.states, {}, servers, observed.locations)  # pyright: ignore[reportArgumentType]
    before = {"barat-app-1": HostBefore(in_pool=True, release=OLD, snapshot="s")}
    wanted = target(half)
    resumed = ReleasePlanner(half, replace(wanted, before=before)).plan()
    fresh = planner(half).plan()
    undo = [[c.steps[0].undo for c in plan.changes if c.host.name == "barat-app-1"] for plan in (resumed, fresh)]
    assert undo[0][0] is not None
    assert undo[1] == [None]
