"""A publication, step after step: hosts have the results, then show them, and then the edge asks for them."""

import dataclasses
from pathlib import Path

from infra.bridge.inventory import RolloutPolicy
from roles.artefacts.snapshot import StoredSnapshot
from roles.hosts.state import Observation
from roles.rollout.plan import Rollout, Script
from roles.rollout.snapshot_plan import SnapshotPlanner
from roles.stack.checkout import Checkout
from tests.unit.roles.fleets import healthy

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
