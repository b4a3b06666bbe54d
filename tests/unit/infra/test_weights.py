"""How the requests are divided over the locations."""

from hypothesis import given
from hypothesis import strategies as st

from infra.weights import MOST, dns_weights


def test_as_long_as_they_fit_weights_are_the_numbers_of_hosts() -> None:
    assert dns_weights({"jakarta": 8, "singapura": 4, "kementerian": 2}) == {
        "jakarta": 8,
        "singapura": 4,
        "kementerian": 2,
    }


@given(st.dictionaries(st.text(min_size=1), st.integers(1, 1000), min_size=1, max_size=15))
def test_weights_fit_route_53_keep_proportion_and_leave_nobody_out(hosts: dict[str, int]) -> None:
    weights = dns_weights(hosts)
    assert all(1 <= weight <= MOST for weight in weights.values())
    largest = max(hosts.values())
    assert all(abs(weights[name] - hosts[name] * min(1, MOST / largest)) <= 1 for name in hosts)
