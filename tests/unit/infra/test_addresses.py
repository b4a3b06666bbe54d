"""Which address each thing has."""

from ipaddress import IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from infra.addresses import TEST_RANGE, network_plan

STACKS = list(TEST_RANGE.subnets(new_prefix=20))


def test_the_first_location_of_lokal_has_the_second_network() -> None:
    plan = network_plan(IPv4Network("198.18.0.0/20"), 1)
    assert (plan.bridge, str(plan.gateway), str(plan.load_balancer)) == ("tg18-1", "198.18.1.1/24", "198.18.1.10")
    assert str(plan.app_host(2)) == "198.18.1.22"


@given(st.sampled_from(STACKS), st.integers(0, 15), st.integers(1, 12))
def test_names_fit_the_kernels_15_characters_wherever_the_stack_lies(
    network: IPv4Network, number: int, host: int
) -> None:
    plan = network_plan(network, number)
    assert len(plan.bridge) <= 15
    assert len(f"vb-{plan.machine(plan.app_host(host))}") <= 15


def test_no_two_networks_of_any_two_stacks_share_a_bridge() -> None:
    names = [network_plan(stack, number).bridge for stack in STACKS for number in range(16)]
    assert len(set(names)) == len(names) == 512
