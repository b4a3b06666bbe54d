"""What must be true of everything that a stack has in AWS, whatever its settings say.

Each invariant is a function from a graph to sentences, one for each violation. They state their own expectations and
import nothing of what makes the resources.
"""

from collections.abc import Callable, Iterable, Iterator

from tests.program.invariants import account, hosts, identity, network, storage
from tests.stands.graph import Graph

Invariant = Callable[[Graph], Iterable[str]]

INVARIANTS: tuple[Invariant, ...] = (
    network.only_the_cdn_reaches_a_load_balancer,
    network.a_load_balancer_answers_only_who_knows_the_secret,
    network.every_rule_of_a_security_group_is_explained,
    network.nobody_is_let_in_by_ssh,
    network.every_subnet_has_the_routes_that_it_is_meant_to_have,
    storage.every_bucket_is_private,
    storage.every_bucket_is_encrypted,
    storage.what_must_not_vanish_is_protected,
    identity.every_policy_can_be_read_and_is_minimal,
    identity.no_policy_lets_everybody_in,
    hosts.every_target_group_asks_whether_a_host_is_healthy,
    hosts.every_host_starts_hardened,
    account.every_alarm_reaches_somebody,
    account.every_action_is_audited,
    account.everything_has_the_four_tags,
)
"""All that need nothing but the graph; see also `account.only_in`."""


def violations(graph: Graph, regions: Iterable[str]) -> Iterator[str]:
    """Everything that is not as it must be.

    Args:
        graph: What the stack has.
        regions: The AWS regions that it may be in.
    """
    for invariant in (*INVARIANTS, account.only_in(regions)):
        yield from invariant(graph)
