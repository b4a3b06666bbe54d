"""What differs from what the log says: each difference is a sentence, and where there is none nothing is said."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from roles.hosts.state import HostState, Observation
from roles.tasks.drift import log_drift
from tests.unit.roles.fleets import BASE, DRAINED, OLD, entry, healthy, host_log

HOST = "barat-app-1"
LOG = host_log(
    entry("a", "deploy", 1, release=OLD, outcome="succeeded"),
    entry("b", "publish", 2, snapshot="s", outcome="succeeded"),
)
CONFIGURE, ROLL_OUT = "next: fab configure", "next: fab deploy, fab rollback or fab publish"


def said(observed: Observation) -> list[str]:
    files = {each.name: [BASE, DRAINED] for each in observed.inventory.hosts}
    return [str(each) for each in log_drift(observed, files)]


def with_log(observed: Observation) -> Observation:
    states = {name: state.model_copy(update={"log": LOG}) for name, state in observed.states.items()}
    return replace(observed, states=states)


def out_of_the_pool(observed: Observation) -> Observation:
    return replace(observed, servers={**observed.servers, HOST: "drained"})


def location_drained(observed: Observation) -> Observation:
    return replace(observed, locations={**observed.locations, "barat": "drained"})


def altered(**fields: object) -> Callable[[Observation], Observation]:
    def alter(observed: Observation) -> Observation:
        state: HostState = observed.states[HOST].model_copy(update=fields)
        return replace(observed, states={**observed.states, HOST: state})

    return alter


def test_nothing_is_said_of_a_stack_that_is_as_the_log_says() -> None:
    assert said(with_log(healthy())) == []


@pytest.mark.parametrize(
    ("alter", "sentence"),
    [
        (altered(files={str(BASE.path): BASE.fingerprint}), f"{HOST}: /etc/nginx/nginx.conf is not what {OLD} says"),
        (altered(release="1.0.0-else"), f"{HOST}: has release 1.0.0-else, and the log says {OLD}"),
        (altered(running_release=None), f"{HOST}: runs none, and the log says {OLD}"),
        (altered(snapshot="t"), f"{HOST}: serves snapshot t, and the log says s"),
        (altered(restarts=2), f"{HOST}: its service died and was started again 2 times"),
        (altered(pending=("/etc/x",)), f"{HOST}: waits to be applied: /etc/x"),
        (
            out_of_the_pool,
            f"{HOST}: its load balancer finds it drained",
        ),
        (
            location_drained,
            "location barat is drained at the edge, and the log says otherwise; next: fab undrain-location barat",
        ),
    ],
)
def test_each_difference_is_one_sentence(alter: Callable[[Observation], Observation], sentence: str) -> None:
    (line,) = said(alter(with_log(healthy())))
    assert line.startswith(sentence)
