"""Each invariant holds where it must, and sees what it is there for."""

import pytest

from tests.program.invariants import INVARIANTS, Invariant, violations
from tests.program.invariants import account as a
from tests.program.invariants import identity as i
from tests.program.invariants import network as n
from tests.stands.graph import Graph
from tests.unit.invariants.counter_examples import CASES, policy
from tests.unit.invariants.sound import GRAPH, REGION, and_also, made, rule, tagged, with_inputs


def test_a_sound_graph_violates_nothing() -> None:
    assert list(violations(GRAPH, [REGION])) == []


@pytest.mark.parametrize(("invariant", "graph", "sentence"), CASES)
def test_what_is_not_as_it_must_be_is_seen_and_named(invariant: Invariant, graph: Graph, sentence: str) -> None:
    assert sentence in list(invariant(graph))
    assert sentence in list(violations(graph, [REGION]))


def test_every_invariant_has_a_counter_example() -> None:
    assert {invariant for invariant, _, _ in CASES} == set(INVARIANTS)


def test_nothing_is_in_a_region_that_the_settings_do_not_name() -> None:
    strayed = with_inputs("lb", region="us-west-2")
    sentence = "the LoadBalancer lb is in us-west-2, which the settings don't name"
    assert list(a.only_in([REGION])(strayed)) == [sentence]
    assert sentence in list(violations(strayed, [REGION]))
    assert list(a.only_in([REGION, "us-west-2"])(strayed)) == []


def test_who_is_let_in_under_a_condition_or_by_name_is_no_violation() -> None:
    condition = {"StringEquals": {"aws:SourceArn": "x"}}
    allowed = and_also(
        made("aws:s3/bucketPolicy:BucketPolicy", "one", {"policy": policy(Principal="*", Condition=condition)}),
        made("aws:s3/bucketPolicy:BucketPolicy", "two", {"policy": policy(Principal={"Service": "x"})}),
        made("aws:s3/bucketPolicy:BucketPolicy", "three", {"policy": policy(Effect="Deny", Principal="*")}),
        tagged("aws:ec2/vpcEndpoint:VpcEndpoint", "s3", {"policy": policy(Principal="*")}),
    )
    assert list(i.no_policy_lets_everybody_in(allowed)) == []


def test_a_key_may_be_used_fully_by_the_account_that_owns_it() -> None:
    root = {"AWS": "arn:aws:iam::123456789012:root"}
    graph = with_inputs("key", policy=policy(Action="kms:*", Resource="*", Principal=root))
    assert list(violations(graph, [REGION])) == []


def test_an_outward_rule_opens_nothing() -> None:
    graph = and_also(rule(n.EGRESS, "any", "sg-lb", cidrIpv4="0.0.0.0/0"))
    assert list(violations(graph, [REGION])) == []
