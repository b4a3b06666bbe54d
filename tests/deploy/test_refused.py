"""What a publication refuses or leaves out: an edge that is away, who can't read it, what arrived altered."""

import json
import re
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from roles.artefacts import release
from roles.artefacts.snapshot import ensure_snapshot
from roles.scripts.layout import CURRENT_RELEASE
from roles.scripts.quoting import command
from roles.scripts.snapshots import part_of
from tests.deploy.faults import on_host_until_left, packets_dropped
from tests.deploy.sources import release_of
from tests.deploy.test_kills import assert_all_show_the_newest, assert_nothing_is_half_made, look
from tests.deploy.test_never_back import reading
from tests.deploy.test_ticks import counted
from tests.stands.lab import SMALL, LabStack
from tests.stands.results import source_of

TYPED = "fab publish --stack {} --source {}"


@pytest.fixture
def source(stack: LabStack, tmp_path: Path) -> Generator[Callable[[int], str], None, None]:
    """The directory of a publication's tables; what was shown before is shown again in the end."""

    def made(number: int) -> str:
        directory = tmp_path / str(number)
        return str(directory if directory.exists() else source_of(directory, stations=counted(number)))

    stack.fab("publish", "--source", made(1))
    yield made
    stack.fab("publish", "--source", SMALL, "--correction", "Uji coba selesai.")


def test_an_edge_that_was_away_is_left_out_and_told_and_catches_up_with_the_next_publication(
    stack: LabStack, source: Callable[[int], str]
) -> None:
    (edge,) = stack.inventory().with_role("edge")
    with packets_dropped(stack, edge):
        said = stack.fab_fails("publish", "--source", source(2))  # hosts show them, and the archive is behind
        assert f"{edge.name}: does not answer, and is left out" in said
        assert f"the results are published, but the archive on {edge.name} lacks them" in said
    status = stack.fab_fails("status")
    assert re.search(rf"{edge.name} .* asks for other results than the log says", status)
    said = stack.fab("publish", "--source", source(2))
    assert f"{edge.name}: show: done" in said
    assert "receive" not in said
    assert_all_show_the_newest(look(stack))


def test_what_the_release_of_a_host_cannot_read_is_not_sent(stack: LabStack, source: Callable[[int], str]) -> None:
    before = look(stack)
    described = CURRENT_RELEASE / "release.json"
    other = command("printf", "%s", json.dumps({"reads": [7]}))
    place = f"cp {described} /root/kept && {other} > {described}"
    with on_host_until_left(stack, "timur-app-2", place, f"cat /root/kept > {described} && rm /root/kept"):
        said = stack.fab_fails("publish", "--source", source(2))
    assert re.search(r"error: timur-app-2 runs \S+, which reads snapshots of format 7, and \S+ has format 1", said)
    assert "receive" not in said
    after = look(stack)
    assert [(s.snapshot, s.snapshots) for s in after.states.values()] == [
        (s.snapshot, s.snapshots) for s in before.states.values()
    ]


def test_a_release_that_cannot_read_what_is_shown_is_not_rolled_out(
    stack: LabStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "READS", (7,))
    later = release_of(tmp_path, "7.0.0", lambda _: None).name
    said = stack.fab_fails("deploy", "--release", later)
    assert f"of format 1, and {later} reads format 7; nothing was changed" in said
    assert not any(later in state.releases for state in look(stack).states.values())


def test_what_arrived_altered_is_refused_on_that_host_and_sent_anew_with_the_next_publication(
    stack: LabStack, source: Callable[[int], str]
) -> None:
    snapshot = ensure_snapshot(stack.checkout, source(2), None)  # whole, since it is made of none
    part = part_of(snapshot.whole.parcel)
    spoil = f"mkdir -p {part.parent} && head -c 1000 /dev/zero > {part}"  # as if it had arrived before a break
    with reading(stack) as seen:
        with on_host_until_left(stack, "barat-app-1", spoil, "true"):
            said = stack.fab("publish", "--source", source(2))
        assert f"barat-app-1: receive: {snapshot.name} arrived with another sha256" in said
        assert "the rollout goes on without barat-app-1" in said
        assert look(stack).states["barat-app-1"].snapshot != snapshot.name
        assert "barat-app-1: undrain barat-app-1: done" in stack.fab("publish", "--source", source(2))
    assert seen.failures == []
    assert_all_show_the_newest(look(stack))
    assert_nothing_is_half_made(stack)


@pytest.mark.parametrize("kilobytes", [64, 160])
def test_a_disk_that_is_full_here_is_said_and_the_hosts_go_on(
    stack: LabStack, source: Callable[[int], str], kilobytes: int
) -> None:
    """Seen by nobody else, and gone with the command."""
    before = look(stack)
    full = f"mount -t tmpfs -o size={kilobytes}k full dist"
    result = stack.shell(f"unshare --mount sh -c '{full} && exec {TYPED.format(stack.name, source(2))}'")
    assert result.code == 1, result.output
    assert "error: " in result.output
    assert "No space left on device" in result.output
    assert "Traceback" not in result.output
    assert look(stack).log.snapshot == before.log.snapshot
