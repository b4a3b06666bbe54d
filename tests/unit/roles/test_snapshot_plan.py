"""A publication, step after step: hosts have the results, then show them, and then the edge asks for them."""

import dataclasses
from pathlib import Path

import pytest

from infra.bridge.inventory import RolloutPolicy
from roles.artefacts.snapshot import StoredSnapshot
from roles.hosts.pool import ServerState
from roles.hosts.state import Observation
from roles.rollout.plan import Rollout, Script
from roles.rollout.snapshot_plan import SnapshotPlanner
from roles.stack.checkout import Checkout
from roles.tasks.results import waiting_for_nobody
from tests.unit.roles.fleets import OLD, entry, healthy, host_log

OTHER = "1.0.7-other"
BEFORE, NEW = "20290214T120000Z-aaaaaaaaaa", "20290214T121500Z-bbbbbbbbbb"


def observed(shown: str | None, edge: str | None) -> Observation:
    """Hosts that have both, and show one; and what their edge asks for."""
    states = {
        name: state.model_copy(
            update={"snapshot": shown, "snapshots": (BEFORE, NEW)} if "-app-" in name else {"shown": edge}
        )
        for name, state in healthy().states.items()
    }
    return dataclasses.replace(healthy(), states=states)


def planner(seen: Observation, directory: Path) -> SnapshotPlanner:
    snapshot = StoredSnapshot(NEW, Checkout(directory, "uji"))
    return SnapshotPlanner(seen, Rollout("1", "publish", RolloutPolicy()), snapshot)


def test_the_edge_asks_for_results_only_when_every_host_shows_them(tmp_path: Path) -> None:
    plan = planner(observed(BEFORE, BEFORE), tmp_path).plan()
    assert [phase.name for phase in plan.phases] == ["switch all at once", "show it"]
    (batch,) = plan.phases[-1].batches
    assert [change.host.name for change in batch] == ["edge-1"]
    assert planner(observed(NEW, NEW), tmp_path).plan().phases == ()


def test_an_edge_that_did_not_get_there_is_switched_with_the_next_publication(tmp_path: Path) -> None:
    for edge in (BEFORE, None):
        plan = planner(observed(NEW, edge), tmp_path).plan()
        assert [phase.name for phase in plan.phases] == ["show it"]


def test_an_edge_that_is_away_counts_among_those_that_are_left_out(tmp_path: Path) -> None:
    seen = observed(BEFORE, BEFORE)
    states = {name: state for name, state in seen.states.items() if name != "edge-1"}
    plan = planner(dataclasses.replace(seen, states=states), tmp_path).plan()
    assert [host.name for host in plan.left_out] == ["edge-1"]
    assert [phase.name for phase in plan.phases] == ["switch all at once"]


def test_undone_the_edge_asks_for_what_it_asked_for(tmp_path: Path) -> None:
    for edge, words in ((BEFORE, f"ln -sfn {BEFORE} "), (None, "rm -f /srv/tegak/shown")):
        plans = planner(observed(BEFORE, edge), tmp_path)
        *hosts, shown = plans.everything()
        assert [change.host.name for change in hosts] == ["barat-app-1", "barat-app-2", "timur-app-1", "timur-app-2"]
        (step,) = shown.steps
        assert isinstance(step.undo, Script)
        assert words in step.undo.text


def cut_off(*, release: str = OLD, drained_by_hand: bool = False, location: ServerState = "drained") -> Observation:
    """A location that was out of reach during a publication: the edge has been told not to ask it."""
    seen = observed(NEW, NEW)
    entries = [entry("1", "deploy", 1, release=OLD, result="ok")]
    entries += [entry("2", "drain-location", 2, location="timur")] if drained_by_hand else []
    states = {
        name: state.model_copy(
            update={"log": host_log(*entries)}
            | ({"snapshot": BEFORE, "release": release, "running_release": release} if "timur-app" in name else {})
        )
        for name, state in seen.states.items()
    }
    return dataclasses.replace(seen, states=states, locations={"barat": "up", "timur": location})


def test_a_location_that_was_out_of_reach_is_asked_again_once_it_has_the_results(tmp_path: Path) -> None:
    plan = planner(cut_off(), tmp_path).plan()
    assert [phase.name for phase in plan.phases] == ["switch all at once", "bring back what was out of reach"]
    ((change,),) = plan.phases[-1].batches
    assert change.host.name == "timur-lb-1"
    assert [step.name for step in change.steps] == ["undrain timur"]
    assert [step.on.name for step in change.steps] == ["edge-1"]


@pytest.mark.parametrize(
    "seen",
    [cut_off(drained_by_hand=True), cut_off(release=OTHER), cut_off(location="up"), cut_off(location="down")],
    ids=["an operator took it out", "it runs another release", "it is asked", "the edge finds it down"],
)
def test_no_other_location_is_brought_back_by_a_publication(seen: Observation, tmp_path: Path) -> None:
    assert [phase.name for phase in planner(seen, tmp_path).plan().phases] == ["switch all at once"]


def test_a_publication_goes_on_without_a_location_where_an_edge_can_keep_it_out() -> None:
    policy = RolloutPolicy(unreachable_hosts=1, failed_hosts=0)
    own, of_cdn = healthy((3, 2)), healthy((3, 2), groups=("barat", "timur"))
    assert waiting_for_nobody(policy, own).unreachable_hosts == 4  # a load balancer and three app hosts
    assert waiting_for_nobody(policy, of_cdn).unreachable_hosts == 1
    assert waiting_for_nobody(RolloutPolicy(unreachable_hosts=9), own).unreachable_hosts == 9
    assert {waiting_for_nobody(policy, seen).failed_hosts for seen in (own, of_cdn)} == {1}
