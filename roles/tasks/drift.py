"""What differs from what the log, the release and the inventory say, and what nobody asked for."""

import time
from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import Host
from roles.hosts.examination import Clock, Examination, read_examination, read_host_clock
from roles.hosts.state import Observation, observe
from roles.rollout.wanted import Wanted
from roles.scripts.host_files import HostFile
from roles.scripts.layout import LOG
from roles.stack.stack import Stack
from roles.tasks.findings import Asked, Difference, disagreements, findings
from roles.terminal import say

ROLL_OUT = "fab publish, then fab deploy"


def show_drift(stack: Stack) -> None:
    """Say what differs on any host from what it should be, each thing with what to type next. Nothing is changed.

    Args:
        stack: The stack.

    Raises:
        OperatorError: Something differs, or could not be looked at.
    """
    started = time.monotonic()
    observed = observe(stack.fleet)
    configuration = Wanted(stack).configuration_in_force(observed)
    files = {host.name: configuration.files_of(host) for host in observed.answering}
    key = observed.inventory.operator_key.public
    answers = _examine(stack, observed)
    good = {name: answer for name, answer in answers.items() if not isinstance(answer, OperatorError)}
    examined = {name: examination for name, (_, examination) in good.items()}
    clocks = {name: clock for name, (clock, _) in good.items()}
    asked = [Asked(observed.inventory, host, files[host.name], key) for host in observed.answering]
    errors = [*observed.errors.values(), *(answer for answer in answers.values() if isinstance(answer, OperatorError))]
    found = [
        *(Difference(error.message, error.next_command or "fab status") for error in errors),
        *(Difference(line, f"on it: less {LOG}") for line in observed.refused_lines),
        *log_drift(observed, files),
        *clock_drift(clocks, observed.inventory.rollout.clock_offset_seconds),
        *(each for one in asked if one.host.name in examined for each in findings(one, examined[one.host.name])),
        *disagreements(examined),
    ]
    for each in found:
        say(str(each))
    if found:
        raise OperatorError(
            f"{len(found)} differences from what the log and the inventory say; nothing was changed",
            next_command="what each line says",
        )
    seconds = time.monotonic() - started
    say(f"no drift: {len(examined)} hosts are as the log and the inventory say; looked at in {seconds:.0f} s")


def _examine(stack: Stack, observed: Observation) -> Mapping[str, tuple[Clock, Examination] | OperatorError]:
    def ask(host: Host) -> tuple[Clock, Examination]:
        clock = read_host_clock(stack.fleet, host)  # first: what comes after keeps the host busy
        return clock, read_examination(stack.fleet, host, stack.signers)

    return stack.fleet.on_each(observed.answering, ask)


def log_drift(observed: Observation, files: Mapping[str, Sequence[HostFile]]) -> Iterator[Difference]:
    """What differs from what the log says, and the files of its release.

    Args:
        observed: What the hosts have.
        files: The files that each host should have, by host.
    """
    says = observed.log.release or "this checkout"
    for host in observed.answering:
        state = observed.states[host.name]
        for file in files[host.name]:
            if state.files.get(str(file.path)) != file.fingerprint:
                yield Difference(f"{host.name}: {file.path} is not what {says} says", "fab configure")
        if "app" in host.roles:
            yield from _app_drift(observed, host.name)
    for name, server in observed.locations.items():
        if (server == "drained") != (name in observed.log.drained_locations):
            undo = f"fab {'un' if server == 'drained' else ''}drain-location {name}"
            yield Difference(f"location {name} is {server} at the edge, and the log says otherwise", undo)


def _app_drift(observed: Observation, name: str) -> Iterator[Difference]:
    log, state = observed.log, observed.states[name]
    for what, says, has in (
        ("has release", log.release, state.release),
        ("runs", log.release, state.running_release),
        ("serves snapshot", log.snapshot, state.snapshot),
    ):
        if says is not None and has != says:
            yield Difference(f"{name}: {what} {has or 'none'}, and the log says {says}", ROLL_OUT)
    if observed.servers.get(name) != "up":
        yield Difference(f"{name}: its load balancer finds it {observed.servers.get(name, 'unknown')}", ROLL_OUT)
    if state.restarts:
        again = f"{name}: its service died and was started again {state.restarts} times"
        yield Difference(again, "on it: journalctl -u tegak-results")
    if state.pending:
        yield Difference(f"{name}: waits to be applied: {', '.join(state.pending)}", "fab configure")


def clock_drift(clocks: Mapping[str, Clock], allowed_s: float) -> Iterator[Difference]:
    """Clocks that are out of step; where most are, all by the same, it is this machine's.

    Args:
        clocks: By host, each measured against this machine's.
        allowed_s: How many seconds a clock may be off beyond what asking for it leaves open.
    """
    if not clocks:
        return
    common = median(clock.offset_s for clock in clocks.values())
    ours = len(clocks) > 1 and abs(common) > allowed_s + max(clock.within_s for clock in clocks.values())
    if ours:
        yield Difference(f"this machine's clock is {_off(-common)} that of most hosts", "timedatectl")
    for name, clock in clocks.items():
        offset = clock.offset_s - (common if ours else 0)
        if abs(offset) - clock.within_s > allowed_s:
            yield Difference(f"{name}: its clock is {_off(offset)} that of others", "on it: timedatectl")


def _off(seconds: float) -> str:
    return f"{abs(seconds):.1f} s {'ahead of' if seconds > 0 else 'behind'}"
