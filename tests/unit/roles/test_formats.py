"""Who has to read a snapshot can: what is sent is what the hosts' release reads, and so is what is shown."""

import dataclasses
import datetime as dt

import pytest

from infra.bridge.errors import OperatorError
from roles.artefacts.facts import Facts
from roles.artefacts.files import Templates
from roles.hosts.state import Observation
from roles.rollout.formats import check_hosts_read, check_release_reads
from tests.unit.roles.fleets import healthy, target

AS_OF = dt.datetime(2029, 2, 14, tzinfo=dt.UTC)
NEW_FORMAT = Facts(snapshot="s2", format=2, as_of=AS_OF, modified=1, content="", tps_entered=1, votes=())
OTHER = "timur-app-1"


def hosts(fields: dict[str, object], other: dict[str, object]) -> Observation:
    """Hosts with something of their own, and another one among them."""
    states = {
        name: state.model_copy(update=other if name == OTHER else fields) for name, state in healthy().states.items()
    }
    return dataclasses.replace(healthy(), states=states)


def test_what_one_hosts_release_cannot_read_is_not_sent_to_any() -> None:
    reads_both: dict[str, object] = {"reads": (1, 2)}
    check_hosts_read(NEW_FORMAT, hosts(reads_both, reads_both))
    with pytest.raises(OperatorError) as refused:
        check_hosts_read(NEW_FORMAT, hosts(reads_both, {"reads": (1,)}))
    assert refused.value.message == (
        f"{OTHER} runs 1.0.0-old, which reads snapshots of format 1, and s2 has format 2; nothing was sent"
    )


def test_a_host_without_a_release_takes_any_snapshot() -> None:
    check_hosts_read(NEW_FORMAT, hosts({"reads": (2,)}, {"release": None}))


@pytest.mark.parametrize(
    ("shown", "reads", "fits"),
    [((1, 1), (1,), True), ((2, 2), (1, 2), True), ((2, 2), (1,), False), ((1, 2), (1,), False), ((1, 1), (), False)],
)
def test_a_release_that_cannot_read_what_a_host_shows_is_not_rolled_out(
    shown: tuple[int, int], reads: tuple[int, ...], *, fits: bool
) -> None:
    seen = hosts({"snapshot_format": shown[0]}, {"snapshot_format": shown[1]})
    wanted = dataclasses.replace(target(seen), released=Templates({}, reads=reads))
    if fits:
        check_release_reads(wanted, seen)
        return
    with pytest.raises(OperatorError, match=rf"shows s of format {shown[1]}, and 1.1.0-new reads (format 1|none)"):
        check_release_reads(wanted, seen)


def test_where_nothing_is_shown_any_release_may_run() -> None:
    seen = hosts({"snapshot": None}, {"snapshot": None})
    check_release_reads(dataclasses.replace(target(seen), released=Templates({}, reads=())), seen)
