"""Which addresses each subnet of a VPC has."""

from ipaddress import IPv4Network, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.aws.location.addresses import MOST_ZONES, VpcPlan, private_ipv6
from infra.settings.location import LARGEST_VPC_PREFIX, PRIVATE_RANGES, SMALLEST_VPC_PREFIX

ZONES = range(1, MOST_ZONES + 1)


@st.composite
def vpcs(draw: st.DrawFn) -> IPv4Network:
    """Any network that the settings allow."""
    prefix = draw(st.integers(LARGEST_VPC_PREFIX, SMALLEST_VPC_PREFIX))
    whole = draw(st.sampled_from(PRIVATE_RANGES))
    step = 1 << (32 - prefix)
    number = draw(st.integers(0, whole.num_addresses // step - 1))
    return IPv4Network((int(whole.network_address) + number * step, prefix))


@given(vpcs())
def test_no_two_subnets_of_a_vpc_overlap_and_none_is_outside(network: IPv4Network) -> None:
    plan = VpcPlan(network)
    subnets = [subnet(zone) for subnet in (plan.private, plan.public) for zone in ZONES]
    assert all(subnet.subnet_of(network) for subnet in subnets)
    assert not any(one.overlaps(other) for one in subnets for other in subnets if one is not other)


@given(vpcs())
def test_every_zone_has_room_for_the_hosts_and_for_a_load_balancer_that_grows(network: IPv4Network) -> None:
    plan = VpcPlan(network)
    # AWS keeps 5 addresses of each subnet.
    assert all(plan.private(zone).num_addresses - 5 >= 1000 for zone in ZONES)
    # A load balancer may take 100 addresses, and needs 8 free ones in each subnet.
    assert all(plan.public(zone).num_addresses - 5 >= 108 for zone in ZONES)


def test_ipv6_networks_of_zones_differ() -> None:
    given = {private_ipv6(IPv6Network("2406:da18:123:4500::/56"), zone) for zone in ZONES}
    assert len(given) == MOST_ZONES
    assert all(network.prefixlen == 64 for network in given)


@pytest.mark.parametrize("zone", [0, 4])
def test_a_zone_that_no_vpc_has_is_refused(zone: int) -> None:
    with pytest.raises(ValueError, match=f"zone {zone} is not one of 1 to 3"):
        VpcPlan(IPv4Network("10.0.0.0/16")).private(zone)
