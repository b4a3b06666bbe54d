"""Taking a host out that is not to be trusted: no request goes to it, and nothing of what it has is used again."""

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import Host
from roles.hosts.audit import Entry
from roles.hosts.lock import new_record
from roles.hosts.locking import Lock
from roles.hosts.state import Observation, observe
from roles.rollout.plan import Step, in_one_go
from roles.rollout.pools import pool_of
from roles.rollout.request import check_reason, new_id
from roles.scripts.artefacts import set_aside
from roles.scripts.layout import DISCARDED
from roles.scripts.quoting import Script
from roles.stack.names import closest
from roles.stack.stack import Stack
from roles.tasks.publishing import carry_log
from roles.tasks.rollouts import session_on
from roles.terminal import say


def discard(stack: Stack, name: str, reason: str, *, emergency: bool = False) -> None:
    """Take an app host out of its pool, and set its releases and results aside; rollouts bring them anew.

    Args:
        stack: The stack.
        name: The host.
        reason: Why.
        emergency: Also where no other host serves.

    Raises:
        OperatorError: There is no such host, it doesn't answer, nobody else serves, or somebody has the lock.
    """
    session, observed = session_on(stack), observe(stack.fleet)
    host = _app_host(observed, name)
    reason = check_reason(reason)
    others = [each for place in observed.inventory.locations for each in observed.serving(place.name) if each != name]
    if not others and not emergency:
        raise OperatorError(
            f"no other host than {name} serves; nothing was changed",
            next_command="fab status, or --emergency if it must go all the same",
        )
    record = new_record(session.operator, reason, session.now(), None)
    record = record.model_copy(update={"token": session.held}) if session.held else record
    lock = Lock(stack.fleet, observed.answering, record, observed.inventory.rollout.lock_minutes)
    lock.take(seen=observed.newest_entries)
    try:
        for step in pool_of(observed.inventory, host.location).drains(
            host, observed.states, in_pool=False, was_up=False
        ):
            _do(stack, step)
        stack.fleet[host].run("setting its files aside", set_aside())
        entry = Entry(
            id=new_id(session.now()),
            at=session.now(),
            action="discard",
            operator=session.operator,
            reason=reason,
            emergency=emergency,
            hosts={name: "out of the pool, its files set aside"},
        )
        session.note(observed, entry)
        carry_log(stack)
    finally:
        if session.held is None:
            lock.give_back()
    say(f"{name} is out of the pool; what it had is in {DISCARDED} there, and is used no more")
    say("next: fab publish, then fab deploy, which bring it everything anew; or replace the host, if others had it")


def _app_host(observed: Observation, name: str) -> Host:
    hosts = {host.name: host for host in observed.inventory.with_role("app")}
    if name not in hosts:
        raise OperatorError(f"there is no app host {name!r:.80}; {closest(name, hosts)}", next_command="fab status")
    if name not in observed.states:
        raise observed.errors.get(name) or OperatorError(f"{name} does not answer", next_command="fab status")
    return hosts[name]


def _do(stack: Stack, step: Step) -> None:
    act = in_one_go(step.do, step.check)
    if isinstance(act, Script):
        stack.fleet[step.on].run(step.name, act)
    else:
        act.act()
