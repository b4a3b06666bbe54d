"""What the gate makes of what was seen."""

import pytest

from infra.bridge.inventory import RolloutPolicy
from roles.rollout.gate import Measurement, Pair, Verdict, Watched, judge, pair_up, requests_for
from roles.rollout.plan import Gate
from tests.unit.roles.three_hosts import inventory

POLICY = RolloutPolicy()
FAST = Pair(20, 20)
FAILS_HERE = Pair(None, 20)
FAILS_THERE = Pair(20, None)
FAILS_BOTH = Pair(None, None)
LATE_HERE = Pair(300, 20)


def verdict(*parts: tuple[int, Pair], compared: bool = True, down: tuple[str, ...] = ()) -> Verdict:
    pairs = tuple(pair for count, pair in parts for _ in range(count))
    return judge(Measurement(pairs, compared, down), POLICY)


def refusal(*parts: tuple[int, Pair], compared: bool = True, down: tuple[str, ...] = ()) -> str:
    said = verdict(*parts, compared=compared, down=down)
    assert said.outcome == "refuse", said
    return said.reason


def test_a_canary_that_is_worse_stops_the_rollout() -> None:
    assert refusal((690, FAST), (30, FAILS_HERE)) == (
        "it failed 30 of 720 requests, the others 0, and 1 % more are allowed"
    )
    assert refusal((620, FAST), (100, LATE_HERE)) == (
        "it was slow to answer (over 100 ms and 2 times as long) 100 of 720 requests, the others 0, "
        "and 5 % more are allowed"
    )
    assert refusal((720, FAST), down=("barat-app-1",)) == "barat-app-1 is down"


def test_with_nothing_to_compare_with_the_limits_are_fixed() -> None:
    alone, failed, late = Pair(20, None), Pair(None, None), Pair(300, None)
    assert verdict((718, alone), (2, failed), compared=False).outcome == "pass"
    assert refusal((700, alone), (20, failed), compared=False) == (
        "it failed 20 of 720 requests, and 1 % more are allowed"
    )
    assert refusal((600, alone), (120, late), compared=False) == (
        "it was slow to answer (over 100 ms) 120 of 720 requests, and 5 % more are allowed"
    )


def test_a_stray_failure_and_troubles_of_all_do_not_stop_it() -> None:
    assert verdict((718, FAST), (2, FAILS_HERE)).outcome == "pass"
    assert verdict((710, FAST), (10, FAILS_THERE)).outcome == "pass"
    assert verdict((720, FAST), (200, FAILS_BOTH)).outcome == "pass"
    assert verdict((720, Pair(900, 900))).outcome == "pass"
    assert verdict((700, FAST), (20, LATE_HERE)).outcome == "pass"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (((50, FAST),), "it failed 0 of 50 requests, the others 0: 7.1 % more are possible, and 1 % are allowed"),
        (((715, FAST), (5, FAILS_HERE)), "it failed 5 of 720 requests, the others 0: 1.6 % more are possible"),
        (((720, FAILS_BOTH),), "there is no request that it and the others answered"),
        (((720, FAILS_THERE),), "there is no request that it and the others answered"),
        ((), "there is no request that it and the others answered"),
    ],
    ids=["too few", "a little worse", "nobody answers", "the others are silent", "nothing asked"],
)
def test_what_cannot_be_told_is_not_decided(parts: tuple[tuple[int, Pair], ...], said: str) -> None:
    found = verdict(*parts)
    assert found.outcome == "cannot tell"
    assert found.reason.startswith(said)


def test_the_fewer_failures_are_allowed_the_more_is_asked() -> None:
    asked = [requests_for(RolloutPolicy(gate_error_percent=percent, gate_requests=1)) for percent in (0.1, 1, 5, 100)]
    assert asked == [7223, 720, 142, 142]
    assert requests_for(RolloutPolicy(gate_requests=1000)) == 1000


def gate(*others: str) -> Gate:
    return Gate(inventory().hosts[0], None, ("canary",), others)


def test_a_request_of_the_canary_is_compared_with_the_same_request_of_another_one() -> None:
    seen = [
        Watched(answers=(("canary", 0, "/a", 1), ("canary", 1, "/b", 2), ("canary", 2, "/c", 3))),
        Watched(answers=(("one", 0, "/a", 10), ("one", 1, "/b", 11))),
        Watched(answers=(("two", 0, "/a", 20), ("two", 1, "/b", None), ("two", 2, "/other", 22))),
    ]
    assert pair_up(seen, gate("one", "two")) == (Pair(1, 10), Pair(2, None))
    assert pair_up(seen[:1], gate()) == (Pair(1, None), Pair(2, None), Pair(3, None))
    assert pair_up(seen[:1], gate("one", "two")) == ()
