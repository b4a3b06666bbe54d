"""What a task brings: which release, whose files, and results that are not older than those that are shown."""

import base64
import dataclasses
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.bridge.errors import OperatorError
from roles.artefacts.facts import Facts, kept_facts, why_older
from roles.artefacts.signing import sign
from roles.hosts.fleet import Fleet
from roles.hosts.state import NoRelease
from roles.rollout.plan import OWN_FILES
from roles.rollout.wanted import NowhereError, Wanted
from roles.stack.checkout import Checkout
from roles.stack.engine import Outputs
from roles.stack.stack import Stack
from roles.tasks.results import is_everywhere
from tests.stands.ssh_keys import make_key
from tests.unit.roles.fleets import healthy, state

EARLIER, LATER = "20290214T120000Z-aaaaaaaaaa", "20290214T121500Z-bbbbbbbbbb"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


@pytest.fixture
def wanted(tmp_path: Path) -> Wanted:
    """A checkout with an empty dist/."""
    (tmp_path / ".secrets").mkdir()
    (tmp_path / ".secrets/release.pub").write_text(f"{KEY} x\n")
    inventory = healthy().inventory
    return Wanted(Stack(Checkout(tmp_path, "uji"), Outputs(inventory, "", None), Fleet(inventory, {})))


def test_an_interrupted_rollout_whose_release_nobody_has_is_not_taken_for_one_without_a_release(wanted: Wanted) -> None:
    for ask in (wanted.target_of_name, wanted.target_of_journal):
        with pytest.raises(NowhereError, match=r"9\.9\.9-gone is neither in dist/ nor on a host that answers"):
            ask("9.9.9-gone", healthy())
    assert wanted.target_of_nothing(healthy()).release is NoRelease.UNKNOWN
    assert wanted.target_of_journal(OWN_FILES, healthy()).release is NoRelease.NONE_YET


def test_files_are_not_configured_by_a_log_that_has_lost_its_release(wanted: Wanted) -> None:
    with pytest.raises(OperatorError, match=r"nobody here can say which release is in force: .* nothing was changed"):
        wanted.target_in_force(healthy())  # its hosts run one, and its log is empty
    bare = dataclasses.replace(healthy(), states={name: state(None) for name in healthy().states})
    assert wanted.target_in_force(bare).release is NoRelease.NONE_YET


def facts(as_of: str = "12:00", entered: int = 10, votes: int = 1000) -> Facts:
    at = dt.datetime.fromisoformat(f"2029-02-14T{as_of}:00+00:00")
    return Facts(snapshot="x", as_of=at, modified=1, content="", tps_entered=entered, votes=(votes - 1, 1))


@pytest.mark.parametrize(
    ("new", "says"),
    [
        (facts("12:15"), None),
        (facts(), None),
        (facts("12:15", 9), "they have 9 polling stations, and 10 are shown"),
        (facts("11:59", 11, 1100), "they are of 2029-02-14 11:59:00 UTC, and 2029-02-14 12:00:00 UTC is shown"),
        (facts("12:15", 11, 995), None),  # forms are corrected in a count
        (facts("12:15", 11, 994), "they have 994 votes, and 1000 are shown"),
    ],
)
def test_results_are_older_by_their_time_by_what_is_entered_or_by_many_votes(new: Facts, says: str | None) -> None:
    assert why_older(facts(), new, votes_may_fall=0.005) == says


def test_what_every_host_shows_is_not_sent_again_because_it_was_built_again() -> None:
    shown, built = facts(), facts().model_copy(update={"snapshot": "y", "modified": 2})
    states = {name: each.model_copy(update={"snapshot": "x"}) for name, each in healthy().states.items()}
    everywhere = dataclasses.replace(healthy(), states=states)
    assert is_everywhere(shown, built, everywhere)
    assert not is_everywhere(shown, built.model_copy(update={"content": "other"}), everywhere)
    assert not is_everywhere(shown, None, everywhere)
    app = everywhere.inventory.with_role("app")[0].name
    behind = {**states, app: states[app].model_copy(update={"snapshot": None})}
    assert not is_everywhere(shown, built, dataclasses.replace(everywhere, states=behind))
    away = {name: each for name, each in states.items() if name != app}
    assert not is_everywhere(shown, built, dataclasses.replace(everywhere, states=away))


@pytest.fixture
def manifest(tmp_path: Path) -> Callable[..., str]:
    """What a host prints of its manifest, signed by a key of one's own."""
    make_key(tmp_path / "key")

    def printed(name: str, namespace: str = "tegak-snapshot", **more: object) -> str:
        said = {**facts().model_dump(mode="json"), "snapshot": name, **more}
        path = tmp_path / "snapshot.json"
        path.write_text(json.dumps(said))
        sign(path, tmp_path / "key", namespace)
        files = (path, tmp_path / "snapshot.json.sig")
        return "\n".join(base64.b64encode(file.read_bytes()).decode() for file in files)

    return printed


def test_what_a_host_says_of_its_results_counts_as_it_was_signed(manifest: Callable[..., str], tmp_path: Path) -> None:
    signers = f"release@tegak {(tmp_path / 'key.pub').read_text()}"
    assert kept_facts(EARLIER, manifest(EARLIER), signers).tps_entered == 10
    refused = {
        "has no valid signature": manifest(EARLIER, namespace="tegak-release"),
        f"what the host keeps as {EARLIER} is {LATER}": manifest(LATER),
        "is no manifest": "",
        "is of another version": manifest(EARLIER, votes="none"),
    }
    for words, printed in refused.items():
        with pytest.raises(OperatorError, match=words):
            kept_facts(EARLIER, printed, signers)
    other = manifest(EARLIER, tps_entered=11).split()[0]
    with pytest.raises(OperatorError, match="has no valid signature"):
        kept_facts(EARLIER, f"{other} {manifest(EARLIER).split()[1]}", signers)
