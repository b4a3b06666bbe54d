"""Which release a rollback goes to, what is said of a wrong name, and what a task's options may ask for."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import RolloutPolicy
from roles.hosts.audit import Entry
from roles.hosts.state import HostState, Observation
from roles.rollout.request import policy_for
from roles.rollout.rollback import check_release_known, choose_rollback
from roles.stack.names import closest
from tests.thorough import examples
from tests.unit.roles.fleets import entry, healthy, host_log, state

ALL = ("a", "b", "c")


def known(
    runs: str,
    *entries: Entry,
    keeps: Mapping[str, tuple[str, ...]] | None = None,
    runs_too: Mapping[str, str] | None = None,
    silent: tuple[str, ...] = (),
) -> Observation:
    """A stack of two locations with a log.

    Args:
        runs: The release of every app host.
        entries: The log.
        keeps: What a host keeps, where it isn't all releases.
        runs_too: The release of a host that has another one.
        silent: Hosts that don't answer.
    """
    observed = healthy()
    states: dict[str, HostState] = {}
    for host in observed.inventory.hosts:
        if host.name not in silent:
            has = {"releases": (keeps or {}).get(host.name, ALL), "log": host_log(*entries)}
            states[host.name] = state((runs_too or {}).get(host.name, runs)).model_copy(update=has)
    errors = {name: OperatorError(f"{name} does not answer") for name in silent}
    return Observation(observed.inventory, states, errors, observed.servers, observed.locations)


def deployed(*releases: str) -> list[Entry]:
    return [entry(f"{minute}", "deploy", minute, release=name) for minute, name in enumerate(releases)]


def test_a_rollback_goes_to_the_release_before() -> None:
    assert choose_rollback(known("c", *deployed("a", "b", "c"))) == "b"


def test_a_second_rollback_goes_one_further_and_not_forth_again() -> None:
    log = [*deployed("a", "b", "c"), entry("9", "rollback", 9, release="b", dropped=("c",))]
    assert choose_rollback(known("b", *log)) == "a"


def test_deploying_a_release_twice_does_not_make_it_its_own_predecessor() -> None:
    log = [*deployed("a", "b"), entry("9", "deploy", 9, release="b")]
    assert choose_rollback(known("b", *log)) == "a"


def test_a_deploy_that_failed_is_not_gone_back_to() -> None:
    log = [*deployed("a"), entry("8", "deploy", 8, release="b", result="undone"), entry("9", "deploy", 9, release="c")]
    assert choose_rollback(known("c", *log)) == "a"


def test_a_bad_release_is_passed_over_until_it_is_marked_good() -> None:
    log = [*deployed("a", "b", "c"), entry("8", "mark-bad", 8, release="b")]
    assert choose_rollback(known("c", *log)) == "a"
    assert choose_rollback(known("c", *log, entry("9", "mark-good", 9, release="b"))) == "b"


def test_a_release_that_one_answering_host_lacks_is_passed_over() -> None:
    keeps = {"timur-app-2": ("a", "c")}
    assert choose_rollback(known("c", *deployed("a", "b", "c"), keeps=keeps)) == "a"


def test_what_a_silent_host_keeps_does_not_matter() -> None:
    keeps = {"timur-app-2": ("a", "c")}
    assert choose_rollback(known("c", *deployed("a", "b", "c"), keeps=keeps, silent=("timur-app-2",))) == "b"


def test_a_rollout_that_was_left_half_way_is_taken_back_to_what_the_log_says() -> None:
    assert choose_rollback(known("b", *deployed("a", "b"), runs_too={"barat-app-1": "c"})) == "b"


def test_half_way_to_a_bad_release_goes_to_the_one_before_it() -> None:
    log = [*deployed("a", "b"), entry("9", "mark-bad", 9, release="b")]
    assert choose_rollback(known("b", *log, runs_too={"barat-app-1": "c"})) == "a"


@pytest.mark.parametrize(
    ("runs", "log"),
    [
        ("a", []),
        ("a", deployed("a")),
        ("b", [*deployed("a", "b"), entry("9", "mark-bad", 9, release="a")]),
    ],
)
def test_without_a_good_release_before_it_there_is_no_rollback(runs: str, log: list[Entry]) -> None:
    with pytest.raises(OperatorError, match=r"no good release before this one .* nothing was changed") as caught:
        choose_rollback(known(runs, *log))
    assert caught.value.next_command == "fab releases, then fab rollback --release NAME"


@examples(100)
@given(
    st.lists(st.tuples(st.sampled_from(["deploy", "rollback", "mark-bad", "mark-good"]), st.sampled_from(ALL))),
    st.sampled_from(ALL),
    st.frozensets(st.sampled_from(ALL)),
)
def test_a_rollback_never_goes_to_what_is_bad_or_missing(
    steps: list[tuple[str, str]], runs: str, kept: frozenset[str]
) -> None:
    log = [entry(f"{minute:02}", action, minute % 60, release=name) for minute, (action, name) in enumerate(steps)]
    observed = known(runs, *log, keeps={"timur-app-1": tuple(kept)})
    try:
        chosen = choose_rollback(observed)
    except OperatorError:
        return
    assert chosen not in observed.log.bad
    assert chosen in kept
    assert chosen != runs or observed.log.release != runs


def test_a_release_that_no_host_keeps_is_refused_with_the_nearest_names() -> None:
    check_release_known(known("a"), "a")
    keeps = {host.name: ("1.0.0-3daa788602",) for host in healthy().inventory.hosts}
    with pytest.raises(OperatorError, match=r"no host keeps a release '1\.0\.0-3daa7886'; did you mean 1\.0\.0-3daa"):
        check_release_known(known("a", keeps=keeps), "1.0.0-3daa7886")


@pytest.mark.parametrize(
    ("name", "names", "said"),
    [
        ("jakrta", ["surabaya", "jakarta"], "did you mean jakarta?"),
        ("x", ["surabaya", "jakarta"], "there are: jakarta, surabaya"),
        ("x", [], "there are: none"),
    ],
)
def test_a_wrong_name_is_answered_with_what_there_is(name: str, names: list[str], said: str) -> None:
    assert closest(name, names) == said


def test_an_option_overrules_the_policy_and_one_that_is_not_given_does_not() -> None:
    policy = RolloutPolicy(max_parallel=3, soak_seconds=7)
    assert policy_for(policy, max_parallel=5, soak_seconds=None) == RolloutPolicy(max_parallel=5, soak_seconds=7)
    assert policy_for(policy, capacity_floor_percent=0).capacity_floor_percent == 0
    assert policy_for(policy, soak_seconds="9").soak_seconds == 9  # as it is typed


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("max_parallel", 0, "--max-parallel is 0: Input should be greater than or equal to 1"),
        ("max_parallel", 1001, "--max-parallel is 1001: "),
        ("capacity_floor_percent", -1, "--capacity-floor-percent is -1: "),
        ("capacity_floor_percent", 101, "--capacity-floor-percent is 101: "),
        ("soak_seconds", 3601, "--soak-seconds is 3601: "),
        ("unreachable_hosts", -1, "--unreachable-hosts is -1: "),
        ("failed_hosts", -1, "--failed-hosts is -1: "),
        ("soak_seconds", "long", "--soak-seconds is 'long': "),
    ],
)
def test_an_option_out_of_bounds_is_refused_by_its_name(option: str, value: object, said: str) -> None:
    with pytest.raises(OperatorError) as caught:
        policy_for(RolloutPolicy(), **{option: value})
    assert caught.value.message.startswith(said)
    assert caught.value.next_command == "fab --help deploy"


@pytest.mark.parametrize(
    ("log", "runs_too", "outdated"),
    [
        pytest.param(deployed("a", "b"), {}, [], id="all as the log says"),
        pytest.param(deployed("a", "b"), {"barat-app-2": "a"}, ["barat-app-2"], id="one has the release before"),
        pytest.param([], {"barat-app-2": "a"}, [], id="a log that was lost says nothing of releases"),
        pytest.param([entry("9", "publish", 9, snapshot="s")], {}, [], id="the results that were published"),
        pytest.param(
            [entry("9", "publish", 9, snapshot="newer")], {}, ["barat-app-1", "barat-app-2"], id="older results"
        ),
    ],
)
def test_a_location_is_outdated_by_what_the_log_says(
    log: list[Entry], runs_too: Mapping[str, str], outdated: list[str]
) -> None:
    assert known("b", *log, runs_too=runs_too).outdated("barat") == outdated
