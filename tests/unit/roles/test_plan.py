import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import OperatorError
from roles.plan import choose_rollback, plan_rollout, release_stack
from roles.pool import ServerState, read_servers
from roles.state import HistoryEntry, HostState
from tests.unit.roles.three_hosts import HOSTS, inventory


def deployed(*releases: str) -> tuple[HistoryEntry, ...]:
    return tuple(HistoryEntry(at="2026-01-01T00:00:00+00:00", action="deploy", release=name) for name in releases)


def rolled_back(release: str) -> HistoryEntry:
    return HistoryEntry(at="2026-01-01T00:00:00+00:00", action="rollback", release=release)


def state(
    release: str | None, history: tuple[HistoryEntry, ...] = (), *, ready: bool = True, snapshot: str | None = "s"
) -> HostState:
    kept = tuple(entry.release for entry in history)
    return HostState(
        release=release,
        releases=kept,
        snapshot=snapshot,
        snapshots=("s",),
        history=history,
        ready=ready,
        running_release=release,
        units={},
    )


def states(**by_host: HostState) -> dict[str, HostState]:
    return {name.replace("_", "-"): value for name, value in by_host.items()}


def all_hosts(value: HostState) -> dict[str, HostState]:
    return dict.fromkeys(HOSTS, value)


def servers(value: ServerState = "up") -> dict[str, ServerState]:
    return dict.fromkeys(HOSTS, value)


def test_a_plan_goes_through_one_location_after_another() -> None:
    plan = plan_rollout(inventory(), "deploy", "b", all_hosts(state("a", deployed("a"))), servers())
    assert [item.host.name for item in plan.hosts] == list(HOSTS)
    assert [item.previous for item in plan.hosts] == ["a", "a", "a"]
    assert plan.unchanged == ()


def test_hosts_that_run_the_release_and_are_ready_are_left_alone() -> None:
    known = all_hosts(state("a", deployed("a"))) | {"barat-app-1": state("b", deployed("a", "b"))}
    plan = plan_rollout(inventory(), "deploy", "b", known, servers())
    assert [host.name for host in plan.unchanged] == ["barat-app-1"]
    assert plan.unnoted == ()


@pytest.mark.parametrize(
    ("value", "server"),
    [
        (state("b", deployed("b"), ready=False), "up"),
        (state("b", deployed("b")), "drained"),
        (state("b", deployed("b")).model_copy(update={"running_release": "a"}), "up"),
        (state("b", deployed("b")).model_copy(update={"running_release": None}), "up"),
    ],
)
def test_a_host_with_the_release_that_is_not_in_use_is_done_again(value: HostState, server: ServerState) -> None:
    plan = plan_rollout(inventory(), "deploy", "b", all_hosts(value), servers(server))
    assert len(plan.hosts) == len(HOSTS)


def test_a_host_whose_rollout_was_killed_before_it_was_noted_is_noted() -> None:
    plan = plan_rollout(inventory(), "deploy", "b", all_hosts(state("b", deployed("a"))), servers())
    assert [host.name for host in plan.unnoted] == list(HOSTS)


def test_without_a_snapshot_a_host_need_not_be_ready() -> None:
    value = state("b", deployed("b"), ready=False, snapshot=None)
    assert plan_rollout(inventory(), "deploy", "b", all_hosts(value), servers("down")).hosts == ()


def test_a_rollback_goes_back_to_the_release_before() -> None:
    assert choose_rollback(all_hosts(state("b", deployed("a", "b")))) == "a"


def test_a_second_rollback_goes_one_further_and_not_forth_again() -> None:
    history = (*deployed("a", "b", "c"), rolled_back("b"))
    assert choose_rollback(all_hosts(state("b", history))) == "a"


def test_deploying_the_same_release_twice_does_not_make_it_its_own_predecessor() -> None:
    assert choose_rollback(all_hosts(state("b", deployed("a", "b", "b")))) == "a"


def test_a_deploy_that_stopped_halfway_is_undone_to_what_all_had() -> None:
    half = all_hosts(state("a", deployed("a"))) | {"barat-app-1": state("b", deployed("a", "b"))}
    assert choose_rollback(half) == "a"


def test_a_host_added_since_does_not_stand_in_the_way() -> None:
    known = all_hosts(state("b", deployed("a", "b"))) | {"timur-app-1": state("b", deployed("b"))}
    assert choose_rollback(known) == "a"


def test_without_a_past_there_is_no_rollback() -> None:
    for value in (state(None), state("a", deployed("a"))):
        with pytest.raises(OperatorError, match="no release before this one"):
            choose_rollback(all_hosts(value))


entries = st.lists(
    st.builds(
        HistoryEntry, at=st.just("now"), action=st.sampled_from(["deploy", "rollback"]), release=st.sampled_from("abcd")
    )
)


@given(entries)
def test_a_stack_of_releases_ends_with_the_last_one_and_repeats_none(history: list[HistoryEntry]) -> None:
    stack = release_stack(history)
    assert stack[-1:] == [entry.release for entry in history][-1:]
    assert len(set(stack)) == len(stack)


def test_haproxys_table_is_read() -> None:
    """As HAProxy 2.6 prints it, its last columns left out: 2 is running, 0x08 is drained by us."""
    table = """1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight
3 results 1 a 198.18.1.21 2 0 1
3 results 2 b 198.18.1.22 0 0 1
3 results 3 c 198.18.1.23 2 8 1
"""
    assert dict(read_servers(table)) == {"a": "up", "b": "down", "c": "drained"}
