from dataclasses import replace

import pytest

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import CertificateFiles, RolloutPolicy
from roles.hosts.state import HostState, Observation
from roles.rollout.precheck import problems
from tests.unit.roles.fleets import entry, healthy, host_log

POLICY = RolloutPolicy()


def with_state(**fields: object) -> Observation:
    """A healthy stack, but for one host."""
    observed = healthy()
    changed = observed.states["barat-app-1"].model_copy(update=fields)
    return Observation(
        observed.inventory, {**observed.states, "barat-app-1": changed}, {}, observed.servers, observed.locations
    )


def test_a_healthy_stack_has_no_problem() -> None:
    assert problems(healthy(), "deploy", POLICY) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"free_bytes": 10**7}, "barat-app-1: its disk is full: 10 MB are free, 200 are needed"),
        ({"writable": False}, "barat-app-1: its file system is read-only"),
        ({"offset_s": -600.0}, "barat-app-1: its clock is off by -600 s, and 5 s are allowed"),
        ({"python": "3.9"}, "barat-app-1: it has Python 3.9, and releases are made for 3.11"),
        ({"certificate_s": 86_400.0}, "barat-app-1: its certificate ends in 1.0 days (pulumi up renews it)"),
    ],
)
def test_what_is_wrong_with_a_host_is_said(fields: dict[str, object], said: str) -> None:
    assert problems(with_state(**fields), "deploy", POLICY) == [said]


def test_results_are_published_whatever_is_left_of_the_certificate() -> None:
    expiring = with_state(certificate_s=86_400.0)
    assert problems(expiring, "deploy", POLICY)
    assert problems(expiring, "publish", POLICY) == []


def test_an_edge_of_ones_own_without_a_certificate_is_said_and_a_labs_gets_one_from_provisioning() -> None:
    observed = healthy()
    assert problems(observed, "deploy", POLICY) == []
    files = CertificateFiles(certificate_file="edge.crt", key_file="edge.key")
    edge = observed.inventory.edge.model_copy(update={"certificate": files})
    own = replace(observed, inventory=observed.inventory.model_copy(update={"edge": edge}))
    assert problems(own, "deploy", POLICY) == ["edge-1: it has no certificate yet (fab certificate brings it)"]
    assert problems(own, "publish", POLICY) == []
    state = own.states["edge-1"].model_copy(update={"certificate_s": 10.0**8})
    assert problems(replace(own, states={**own.states, "edge-1": state}), "deploy", POLICY) == []


def test_a_load_balancer_that_a_cdn_asks_and_has_no_certificate_is_said() -> None:
    observed = healthy()
    places = [place.model_copy(update={"behind_cdn": place.name == "barat"}) for place in observed.inventory.balanced]
    behind = replace(observed, inventory=observed.inventory.model_copy(update={"locations": tuple(places)}))
    assert problems(behind, "deploy", POLICY) == ["barat-lb-1: it has no certificate yet (fab certificate brings it)"]
    state = behind.states["barat-lb-1"].model_copy(update={"certificate_s": 86_400.0})
    ending = replace(behind, states={**behind.states, "barat-lb-1": state})
    assert problems(ending, "deploy", POLICY) == [
        "barat-lb-1: its certificate ends in 1.0 days (fab certificate brings a new one)"
    ]


def test_a_freeze_stops_changes_and_not_results_and_an_emergency_goes_through_it() -> None:
    frozen = with_state(log=host_log(entry("1", "freeze", reason="count")))
    for action in ("deploy", "rollback", "configure"):
        (said,) = problems(frozen, action, POLICY)
        assert "frozen by siti" in said
        assert problems(frozen, action, POLICY, emergency=True) == []
    assert problems(frozen, "publish", POLICY) == []


def test_unreachable_hosts_within_the_budget_are_no_problem_and_more_are() -> None:
    observed = healthy()
    states: dict[str, HostState] = dict(observed.states)
    errors: dict[str, OperatorError] = {}
    for count, name in enumerate(("barat-app-1", "timur-app-1"), start=1):
        states.pop(name)
        errors[name] = OperatorError(f"{name} does not answer")
        known = Observation(observed.inventory, dict(states), dict(errors), observed.servers, observed.locations)
        assert bool(problems(known, "deploy", POLICY)) == (count > POLICY.unreachable_hosts)
