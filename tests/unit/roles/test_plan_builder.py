from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import assume, given

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import RolloutPolicy
from roles.hosts.lock import HostBefore
from roles.hosts.pool import ServerState
from roles.hosts.state import NoRelease, Observation
from roles.rollout.build import ReleasePlanner
from roles.rollout.plan import Act, HostChange, Phase, Plan
from tests.thorough import examples
from tests.unit.roles.fleets import (
    BASE,
    NEW,
    OLD,
    entry,
    healthy,
    host_log,
    observations,
    planner,
    policies,
    rollout,
    state,
    target,
)


def plan_of(observed: Observation, policy: RolloutPolicy) -> Plan:
    """The plan; a refusal is no counter-example."""
    try:
        return planner(observed, policy).plan()
    except OperatorError:
        assume(condition=False)
        raise


def activates(change: HostChange) -> bool:
    return any(step.name == "activate" for step in change.steps)


def taken_out(batch: Sequence[HostChange]) -> set[str]:
    """The app hosts and locations that a batch takes out, for a while or for good."""
    steps = [step.name.split() for change in batch for step in change.steps]
    return {words[1] for words in steps if words[0] == "drain"}


def comes_back(name: str, batch: Sequence[HostChange]) -> bool:
    return any(step.name == f"undrain {name}" for change in batch for step in change.steps)


def takes_out(act: Act | None) -> bool:
    return act is not None and ("state drain" in act.text or act.text.startswith("deregister "))


def puts_back(act: Act | None) -> bool:
    return act is not None and ("state ready" in act.text or act.text.startswith("register "))


def asks_for_all_at_once(observed: Observation, policy: RolloutPolicy) -> bool:
    return policy.capacity_floor_percent == 0 and policy.max_parallel >= len(observed.inventory.with_role("app"))


def names(plan: Plan) -> list[list[list[str]]]:
    return [[[change.host.name for change in batch] for batch in phase.batches] for phase in plan.phases]


@examples(100)
@given(observations(), policies)
def test_no_plan_goes_under_the_capacity_floor_or_takes_the_last_host(
    observed: Observation, policy: RolloutPolicy
) -> None:
    serving = {name for name, server in observed.servers.items() if server == "up"}
    out = {place.name for place in observed.inventory.locations if not observed.is_reached(place.name)}
    for phase in plan_of(observed, policy).phases:
        for batch in phase.batches:
            away, gone = taken_out(batch), {name for name in taken_out(batch) if not comes_back(name, batch)}
            newly_out = {place.name for place in observed.inventory.locations if place.name in gone} - out
            out |= newly_out
            taken = away & serving
            serving |= {change.host.name for change in batch if change.returns}
            for place in observed.inventory.locations:
                mine = {host.name for host in observed.inventory.with_role("app", place.name)}
                floor = len(mine) * policy.capacity_floor_percent // 100
                if taken & mine:
                    assert len((serving & mine) - away) >= floor
            reached = {name for name in serving if name.rsplit("-", 2)[0] not in out}
            if (taken & reached or newly_out) and not asks_for_all_at_once(observed, policy):
                assert reached - away
            serving -= gone


@examples(100)
@given(observations(), policies)
def test_no_host_is_switched_while_it_is_in_the_pool(observed: Observation, policy: RolloutPolicy) -> None:
    for change in plan_of(observed, policy).changes:
        if not activates(change):
            continue
        if change.host.name not in observed.servers:
            assert change.host.kind == "lab"  # its HAProxy has never been configured, so nobody sends it requests
            continue
        kinds = [step.name.split()[0] for step in change.steps]
        assert kinds[:2] == ["drain", "activate"]
        assert takes_out(change.steps[0].do)
        assert change.steps[0].check is not None  # zero sessions
        if observed.is_current(change.host.name) or observed.servers[change.host.name] != "drained":
            assert kinds[2:] == ["undrain"]
            assert puts_back(change.steps[2].do)
        else:
            assert kinds[2:] == []


@examples(100)
@given(observations(), policies)
def test_undo_mirrors_do_and_puts_only_those_back_into_the_pool_that_were_in_it(
    observed: Observation, policy: RolloutPolicy
) -> None:
    for change in plan_of(observed, policy).changes:
        if not activates(change) or len(change.steps) == 1:
            continue
        drain, activate, *undrains = change.steps
        for undrain in undrains:
            assert takes_out(undrain.undo)
        assert activate.undo is not None
        was_in_pool = observed.servers[change.host.name] in {"up", "down"}
        assert (drain.undo is not None) == was_in_pool
        assert drain.undo is None or puts_back(drain.undo)


@examples(100)
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


@examples(100)
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


def test_a_host_of_a_group_leaves_its_target_group_and_is_measured_by_itself() -> None:
    plan = planner(healthy((2, 2), groups=("timur",))).plan()
    assert names(plan)[0] == [["barat-app-1"]]
    steps = [step for change in plan.changes if change.host.name == "timur-app-1" for step in change.steps]
    instance, arn = steps[0].on.address, "targetgroup/timur/1"
    assert [step.name for step in steps] == ["drain timur-app-1", "activate", "undrain timur-app-1"]
    assert {step.on.name for step in steps} == {"timur-app-1"}
    assert steps[0].do.text.startswith(f"deregister {instance} in ")
    assert [each.text.split()[0] for each in (steps[0].check, steps[2].do, steps[2].check) if each] == [
        "wait_until_drained",
        "register",
        "wait_until_healthy",
    ]
    assert all(arn in step.do.text for step in (steps[0], steps[2]))
    alone = planner(healthy((3,), groups=("barat",))).plan().phases[0].gate
    assert alone
    assert (alone.on.name, alone.backend) == ("barat-app-1", None)
    assert alone.others == ("barat-app-2", "barat-app-3")


def test_nobody_is_changed_where_nobody_says_whether_it_gets_requests() -> None:
    observed = healthy((2, 2), groups=("timur",))
    servers = {name: server for name, server in observed.servers.items() if name.startswith("barat")}
    silent = replace(observed, servers=servers, errors={"timur": OperatorError("AWS does not answer")})
    plan = planner(silent, RolloutPolicy(capacity_floor_percent=0)).plan()
    assert {host.name for host in plan.left_out} == {"timur-app-1", "timur-app-2"}
    assert not [change for change in plan.changes if change.host.location == "timur"]


def test_a_host_of_a_group_that_does_not_answer_leaves_its_target_group_under_another_ones_lock() -> None:
    observed = without(healthy((4, 2), groups=("barat",)), "barat-app-3")
    (change,) = [change for change in planner(observed).plan().changes if change.host.name == "barat-app-3"]
    (step,) = change.steps
    assert step.do.text.startswith("deregister ")
    assert (step.on.name, step.check, step.undo) == ("barat-app-1", None, None)


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


def without(observed: Observation, *silent: str, **changes: object) -> Observation:
    """A stack of which some hosts don't answer; what their load balancers say of them stays."""
    states = {name: known for name, known in observed.states.items() if name not in silent}
    errors = {name: OperatorError(f"{name} does not answer") for name in silent}
    return replace(observed, states=states, errors=errors, **changes)  # pyright: ignore[reportArgumentType]


def test_a_host_that_serves_but_answers_no_ssh_is_taken_out_only_above_the_floor() -> None:
    taken_out_of_four = planner(without(healthy((4, 2)), "barat-app-3")).plan()
    assert taken_out_of_four.phases[0].name == "keep out what does not answer"
    # What is changed after it is counted without it: floor 2 of 4, 3 left, so one at a time.
    assert names(taken_out_of_four)[1:3] == [[["barat-app-1"]], [["barat-app-2"], ["barat-app-4"]]]
    states = {**healthy((4, 2)).states, "barat-app-1": state(NEW)}
    with pytest.raises(OperatorError, match="barat would have too few hosts left"):
        planner(without(replace(healthy((4, 2)), states=states), "barat-app-2", "barat-app-3", "barat-app-4")).plan()


CUT_OFF = ("timur-lb-1", "timur-app-1", "timur-app-2")


def test_a_location_that_is_cut_off_is_taken_out_at_the_edge_and_not_put_back_by_a_failure() -> None:
    servers = {name: server for name, server in healthy().servers.items() if name not in CUT_OFF}
    plan = planner(without(healthy(), *CUT_OFF, servers=servers)).plan()
    (change,) = [change for change in plan.changes if change.host.name == "timur-lb-1"]
    assert [(step.on.name, step.name, step.undo) for step in change.steps] == [("edge-1", "drain timur", None)]
    assert "set server locations/timur state drain" in change.steps[0].do.text


def test_the_last_location_that_serves_is_not_taken_out_for_not_answering() -> None:
    servers = {name: server for name, server in healthy().servers.items() if name not in CUT_OFF}
    locations = {"barat": "drained", "timur": "up"}
    with pytest.raises(OperatorError, match="no load balancer of timur answers, and no other location serves"):
        planner(without(healthy(), *CUT_OFF, servers=servers, locations=locations)).plan()


def with_log(observed: Observation, snapshot: str) -> Observation:
    log = host_log(entry("1", "publish", snapshot=snapshot))
    states = {name: known.model_copy(update={"log": log}) for name, known in observed.states.items()}
    return replace(observed, states=states)


def test_a_host_that_was_away_while_results_were_published_stays_out_until_it_has_them() -> None:
    servers: dict[str, ServerState] = {**healthy((2, 3)).servers, "timur-app-2": "drained"}
    behind = with_log(replace(healthy((2, 3)), servers=servers), snapshot="newer")
    (change,) = [change for change in planner(behind).plan().changes if change.host.name == "timur-app-2"]
    assert [step.name for step in change.steps] == ["drain timur-app-2", "activate"]
    assert "stays out: its results are old" in change.summary
    assert not change.returns
    caught_up = with_log(replace(healthy((2, 3)), servers=servers), snapshot="s")
    (change,) = [change for change in planner(caught_up).plan().changes if change.host.name == "timur-app-2"]
    assert [step.name for step in change.steps] == ["drain timur-app-2", "activate", "undrain timur-app-2"]


def test_a_location_that_was_cut_off_comes_back_with_a_deploy_once_its_results_are_current() -> None:
    locations: dict[str, ServerState] = {"barat": "up", "timur": "drained"}
    for snapshot, back in (("newer", False), ("s", True)):
        plan = planner(with_log(replace(healthy(), locations=locations), snapshot)).plan()
        steps = [step.name for change in plan.changes for step in change.steps if change.host.name == "timur-lb-1"]
        assert ("undrain timur" in steps) == back


def test_undoing_a_deploy_removes_no_release_and_success_keeps_those_to_go_back_to() -> None:
    plan = ReleasePlanner(healthy(), rollout(), replace(target(healthy()), kept=(OLD,)))
    undone, done = ([do.text for do in plan.tidy(undone=undone).values()] for undone in (True, False))
    assert not any("/srv/tegak/releases" in text for text in undone)
    removing = [text for text in done if "/srv/tegak/releases" in text]
    assert len(removing) == len(healthy().inventory.with_role("app"))
    assert all(f"! -name {NEW}" in text and f"! -name {OLD}" in text for text in removing)


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
    resumed = ReleasePlanner(half, replace(rollout(), before=before), target(half)).plan()
    fresh = planner(half).plan()
    undo = [[c.steps[0].undo for c in plan.changes if c.host.name == "barat-app-1"] for plan in (resumed, fresh)]
    assert undo[0][0] is not None
    assert undo[1] == [None]


def removes_left_over(plan: Plan) -> bool:
    scripts = [step.do.text for change in plan.changes for step in change.steps]
    return any('"gone": ["/etc/left/over"]' in text for text in scripts)


def test_a_file_that_no_release_has_any_more_is_removed_but_not_where_no_release_is_known() -> None:
    managed = ("/etc/left/over", str(BASE.path))
    states = {name: known.model_copy(update={"managed": managed}) for name, known in healthy().states.items()}
    observed = replace(healthy(), states=states)
    assert removes_left_over(planner(observed).plan())
    unknown = ReleasePlanner(observed, rollout(), target(observed, NoRelease.UNKNOWN))
    assert not removes_left_over(unknown.plan())
    assert not removes_left_over(Plan("id", "deploy", "", (Phase("all", (tuple(unknown.everything()),)),)))


def test_a_log_that_names_no_release_means_none_yet_only_where_no_host_runs_one() -> None:
    bare = {name: state(None) for name in healthy().states}
    assert replace(healthy(), states=bare).release is NoRelease.NONE_YET
    assert healthy().release is NoRelease.UNKNOWN
    few = dict(list(bare.items())[:3])
    assert len(few) * 2 <= len(healthy().inventory.hosts)
    assert replace(healthy(), states=few).release is NoRelease.UNKNOWN
    log = host_log(entry("1", "deploy", release=OLD))
    logged = {name: known.model_copy(update={"log": log}) for name, known in bare.items()}
    assert replace(healthy(), states=logged).release == OLD


def test_a_stack_of_one_app_host_is_changed_with_a_floor_of_nothing_and_no_other_way() -> None:
    alone = healthy((1,))
    with pytest.raises(OperatorError, match="give --capacity-floor-percent") as caught:
        planner(alone).plan()
    assert "none can be taken out" in caught.value.message
    plan = planner(alone, RolloutPolicy(capacity_floor_percent=0)).plan()
    assert names(plan) == [[["barat-app-1"]]]
    assert plan.spare["barat"] == 1  # what the runner asks before it takes a host out


@examples(100)
@given(observations(), policies)
def test_a_plan_never_takes_out_more_at_once_than_it_says_can_be_spared(
    observed: Observation, policy: RolloutPolicy
) -> None:
    plan = plan_of(observed, policy)
    spare = dict(plan.spare)
    for phase in plan.phases:
        for batch in phase.batches:
            for change in batch:
                assert not change.serves or spare[change.host.location] >= 1
            for change in batch:
                spare[change.host.location] = spare.get(change.host.location, 0) + change.returns


def test_a_dry_run_shows_a_program_once_and_names_it_after_that() -> None:
    shown = "\n".join(planner(healthy()).plan().scripts())
    assert shown.count("def place_checked(") == 1
    assert shown.count("<the program activation, as above>") == 3
    assert shown.count('"act": "activate"') == 4
