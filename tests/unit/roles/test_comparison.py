"""The gate's tests are wrong no more often than they say: both kinds of error, simulated."""

import math
import random
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.bridge.inventory import RolloutPolicy
from roles.rollout.comparison import (
    FALSE_ALARM,
    MISSED,
    STRAYS,
    Losses,
    at_most,
    compare,
    highest_share,
    lowest_share,
    pairs_needed,
)
from roles.rollout.gate import Measurement, Outcome, Pair, judge, requests_for

GATES = 200
POLICY = RolloutPolicy(gate_error_percent=5, gate_requests=1)
REQUESTS = requests_for(POLICY)

Server = Callable[[random.Random, float], float | None]
"""Milliseconds of an answer, or None for a failure; `load` is what both servers feel at that time."""


def server(fails: float = 0.0, slow: float = 0.0, spread: float = 0.3) -> Server:
    """A server that fails and is slow at random, and is as fast as the load lets it be."""

    def answer(chance: random.Random, load: float) -> float | None:
        if chance.random() < fails:
            return None
        return 500.0 if chance.random() < slow else 5 * load * math.exp(chance.gauss(0, spread))

    return answer


def outcomes(canary: Server, other: Server | None, seed: int) -> Counter[Outcome]:
    """What that many gates say of two servers; the load changes as they are asked."""
    chance = random.Random(seed)  # noqa: S311  # nothing secret
    said: Counter[Outcome] = Counter()
    for _ in range(GATES):
        loads = [math.exp(chance.gauss(0, 0.6)) for _ in range(REQUESTS)]
        pairs = tuple(Pair(canary(chance, load), other(chance, load) if other else None) for load in loads)
        said[judge(Measurement(pairs, compared=other is not None), POLICY).outcome] += 1
    return said


@pytest.mark.parametrize(
    "same",
    [server(), server(fails=0.01), server(fails=0.2, slow=0.2), server(slow=0.5), server(spread=2.0)],
    ids=["healthy", "a few failures", "failing and slow", "half of it slow", "latencies all over"],
)
def test_a_canary_like_the_others_is_refused_in_one_rollout_of_a_hundred_at_most(same: Server) -> None:
    assert outcomes(same, same, seed=1)["refuse"] <= FALSE_ALARM * GATES


@pytest.mark.parametrize("compared", [True, False], ids=["compared", "nothing to compare with"])
@pytest.mark.parametrize("common", [0.0, 0.1], ids=["others fail nothing", "others fail a tenth"])
def test_a_canary_that_fails_more_than_is_allowed_passes_one_gate_of_twenty_at_most(
    *, compared: bool, common: float
) -> None:
    canary, other = server(fails=common + 0.05), server(fails=common)
    assert outcomes(canary, other if compared else None, seed=2)["pass"] <= MISSED * GATES


@pytest.mark.parametrize("compared", [True, False], ids=["compared", "nothing to compare with"])
def test_a_canary_that_is_slow_more_often_than_is_allowed_passes_one_gate_of_twenty_at_most(*, compared: bool) -> None:
    other = server() if compared else None
    assert outcomes(server(slow=0.055), other, seed=3)["pass"] <= MISSED * GATES


@pytest.mark.parametrize("compared", [True, False], ids=["compared", "nothing to compare with"])
@pytest.mark.parametrize("bad", [server(fails=0.2), server(slow=0.2)], ids=["fails", "slow"])
def test_a_canary_four_times_as_bad_as_is_allowed_is_refused_outright(*, compared: bool, bad: Server) -> None:
    assert outcomes(bad, server() if compared else None, seed=4)["refuse"] >= 0.99 * GATES


@pytest.mark.parametrize("compared", [True, False], ids=["compared", "nothing to compare with"])
def test_a_healthy_canary_passes_without_a_question(*, compared: bool) -> None:
    assert outcomes(server(), server() if compared else None, seed=5)["pass"] == GATES


@pytest.mark.parametrize("percent", [0.1, 1.0, 5.0, 50.0])
def test_as_many_requests_are_asked_as_bear_some_strays_and_no_more(percent: float) -> None:
    pairs, allowed = pairs_needed(percent / 100), percent / 100
    assert compare(Losses(pairs, STRAYS, 0), allowed) == "fine"
    assert compare(Losses(pairs, STRAYS, None), allowed) == "fine"
    assert compare(Losses(pairs - 1, STRAYS, 0), allowed) == "unknown"


def test_too_few_requests_say_nothing_whatever_they_say() -> None:
    assert {compare(Losses(count, 0, 0), 0.01) for count in (0, 1, 50, 300)} == {"unknown"}
    assert compare(Losses(50, 3, 0), 0.01) == "unknown"  # 6 %, and a chance of 1 in 8


@given(st.integers(1, 300), st.data())
def test_what_is_the_same_on_both_sides_is_never_called_worse(pairs: int, data: st.DataObject) -> None:
    lost = data.draw(st.integers(0, pairs // 2))
    assert compare(Losses(pairs, lost, lost), 0.01) != "worse"


@given(st.integers(1, 60), st.data(), st.floats(0.001, 0.999))
def test_the_chances_are_those_of_the_binomial_distribution(of: int, data: st.DataObject, share: float) -> None:
    count = data.draw(st.integers(0, of))
    exact = sum(math.comb(of, n) * share**n * (1 - share) ** (of - n) for n in range(count + 1))
    assert math.isclose(at_most(count, of, share), exact, rel_tol=1e-9, abs_tol=1e-12)


def test_the_bounds_are_the_published_ones() -> None:
    """Clopper and Pearson's own example: of 10 tries, 3 hits: 0.067 to 0.652, with 2.5 % on each side."""
    assert round(lowest_share(3, 10, 0.025), 3) == 0.067
    assert round(highest_share(3, 10, 0.025), 3) == 0.652
    assert (lowest_share(0, 10, 0.025), round(highest_share(0, 10, 0.05), 3)) == (pytest.approx(0, abs=1e-9), 0.259)
