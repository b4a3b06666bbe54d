"""What a task brings: which release, whose files, and results that are not older than those that are shown."""

from dataclasses import replace
from pathlib import Path

import pytest

from infra.bridge.errors import OperatorError
from roles.hosts.audit import Entry
from roles.hosts.fleet import Fleet
from roles.hosts.state import NoRelease, Observation
from roles.rollout.plan import OWN_FILES
from roles.rollout.wanted import NowhereError, Wanted
from roles.stack.checkout import Checkout
from roles.stack.engine import Outputs
from roles.stack.stack import Stack
from roles.tasks.rollouts import is_older
from tests.unit.roles.fleets import entry, healthy, host_log, state

EARLIER, LATER = "20290214T120000Z-aaaaaaaaaa", "20290214T121500Z-bbbbbbbbbb"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


@pytest.fixture
def wanted(tmp_path: Path) -> Wanted:
    """A checkout with an empty dist/."""
    (tmp_path / ".secrets").mkdir()
    (tmp_path / ".secrets/release.pub").write_text(f"{KEY} x\n")
    inventory = healthy().inventory
    return Wanted(Stack(Checkout(tmp_path, "uji"), Outputs(inventory, "", None), Fleet(inventory, {})))


def logged(observed: Observation, *entries: Entry) -> Observation:
    log = host_log(*entries)
    states = {name: known.model_copy(update={"log": log}) for name, known in observed.states.items()}
    return replace(observed, states=states)


def test_an_interrupted_rollout_whose_release_nobody_has_is_not_taken_for_one_without_a_release(wanted: Wanted) -> None:
    for ask in (wanted.target_of_name, wanted.target_of_journal):
        with pytest.raises(NowhereError, match=r"9\.9\.9-gone is neither in dist/ nor on a host that answers"):
            ask("9.9.9-gone", healthy())
    assert wanted.target_of_nothing(healthy()).release is NoRelease.UNKNOWN
    assert wanted.target_of_journal(OWN_FILES, healthy()).release is NoRelease.NONE_YET


def test_files_are_not_configured_by_a_log_that_has_lost_its_release(wanted: Wanted) -> None:
    with pytest.raises(OperatorError, match=r"nobody here can say which release is in force: .* nothing was changed"):
        wanted.target_in_force(healthy())  # its hosts run one, and its log is empty
    bare = replace(healthy(), states={name: state(None) for name in healthy().states})
    assert wanted.target_in_force(bare).release is NoRelease.NONE_YET


def published(name: str, stations: int) -> Entry:
    return entry("1", "publish", snapshot=name, stations_entered=stations)


@pytest.mark.parametrize(
    ("shown", "new", "says"),
    [
        ((EARLIER, 10), (LATER, 10), None),
        ((EARLIER, 10), (EARLIER, 10), None),
        ((EARLIER, 10), (LATER, 9), "they have 9 polling stations, and 10 are shown"),
        ((LATER, 10), (EARLIER, 11), "they are of 20290214T120000Z, and 20290214T121500Z is shown"),
        ((EARLIER, 0), (LATER, 9), None),  # how many are shown, nobody noted
    ],
)
def test_results_are_older_by_their_time_or_by_what_is_entered(
    shown: tuple[str, int], new: tuple[str, int], says: str | None
) -> None:
    observed = logged(healthy(), published(*shown))
    assert is_older(*new, observed) == says


def test_the_first_results_are_older_than_none() -> None:
    assert is_older(EARLIER, 0, healthy()) is None
