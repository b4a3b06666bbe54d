import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.bridge.inventory import RolloutPolicy
from roles.rollout.gate import Group, Measurement, judge

POLICY = RolloutPolicy()


def group(requests: int = 1000, errors: int = 0, p95_ms: int | None = 20) -> Group:
    return Group(requests=requests, errors=errors, p95_ms=p95_ms)


def refusal(canary: Group, others: Group, *down: str) -> str | None:
    return judge(Measurement(canary=canary, others=others, down=down, synthetic=False), POLICY).refusal


@pytest.mark.parametrize(
    ("canary", "others", "down", "said"),
    [
        (group(errors=30), group(errors=5), (), "its error rate is 3.00 %, the others' 0.50 %"),
        (group(p95_ms=300), group(), (), "its 95th percentile of latency is 300 ms, and 100 ms are allowed"),
        (group(p95_ms=401), group(p95_ms=200), (), "its 95th percentile of latency is 401 ms, and 400 ms are allowed"),
        (group(), group(), ("barat-app-1",), "barat-app-1 is down"),
        (group(errors=20), group(requests=0, p95_ms=None), (), "its error rate is 2.00 %, the others' 0.00 %"),
    ],
)
def test_a_canary_that_is_worse_stops_the_rollout(
    canary: Group, others: Group, down: tuple[str, ...], said: str
) -> None:
    assert refusal(canary, others, *down) == said


def test_small_differences_and_troubles_of_all_do_not_stop_it() -> None:
    assert refusal(group(errors=9), group()) is None
    assert refusal(group(errors=200), group(errors=195)) is None
    assert refusal(group(p95_ms=99), group(p95_ms=10)) is None
    assert refusal(group(requests=0, p95_ms=None), group()) is None


@given(st.integers(0, 10**6), st.integers(0, 100), st.one_of(st.none(), st.integers(0, 10_000)))
def test_a_canary_that_is_like_the_others_always_passes(requests: int, percent: int, p95_ms: int | None) -> None:
    seen = group(requests, requests * percent // 100, p95_ms)
    assert refusal(seen, seen) is None
