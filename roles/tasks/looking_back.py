"""What operators read beside the table: the log, the releases, and what differs from what the log says."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from infra.bridge.errors import OperatorError
from roles.hosts.audit import Entry
from roles.hosts.state import Observation, observe
from roles.rollout.wanted import Wanted
from roles.stack.stack import Stack
from roles.terminal import say, show_table


@dataclass(frozen=True)
class LookingBack:
    """The tasks that change nothing, on one stack."""

    stack: Stack

    def history(self, *, json: bool, last: int) -> None:
        """Show the newest entries of the log.

        Raises:
            OperatorError: None are asked for.
        """
        if last < 1:
            raise OperatorError(f"--last is {last}: it must be 1 or more", next_command="fab --help history")
        observed = observe(self.stack.fleet, newest=last, details=json)
        entries = observed.history[-last:]
        if json:
            for entry in entries:
                say(entry.line().decode().rstrip())
        else:
            _show(entries)
        for line in observed.refused_lines:
            sys.stderr.write(f"{line}\n")  # what reads JSON lines reads nothing else

    def releases(self) -> None:
        """List each release that the log or a host knows, the newest last."""
        observed = observe(self.stack.fleet)
        log, activated = observed.log, observed.log.activated
        apps = [host.name for host in observed.inventory.with_role("app")]
        states = {name: state for name, state in observed.states.items() if name in apps}
        names = {name for state in states.values() for name in state.releases} | set(log.releases)
        for name in sorted(names - activated.keys()) + [name for name in activated if name in names]:
            running = [host for host, state in states.items() if state.running_release == name]
            kept = sum(1 for state in states.values() if name in state.releases)
            at = f"{activated[name].at:%Y-%m-%d %H:%M:%S} UTC" if name in activated else "never"
            bad = f"  BAD: {log.bad[name]}" if name in log.bad else ""
            say(f"{name}  activated {at}  kept on {kept} hosts  runs on: {', '.join(running) or 'no host'}{bad}")
        if not names:
            say("no host has a release")

    def drift(self) -> None:
        """Compare what each host runs, serves and is configured with against what the log says.

        Raises:
            OperatorError: There is a difference.
        """
        observed = observe(self.stack.fleet)
        configuration = Wanted(self.stack).configuration_in_force(observed)
        found = [*(error.message for error in observed.errors.values()), *observed.refused_lines]
        for host in observed.answering:
            state = observed.states[host.name]
            found += [
                f"{host.name}: {file.path} is not what {observed.log.release or 'this checkout'} says"
                for file in configuration.files_of(host)
                if state.files.get(str(file.path)) != file.fingerprint
            ]
            if "app" in host.roles:
                found += [f"{host.name}: {text}" for text in _app_drift(observed, host.name)]
        drained = observed.log.drained_locations
        for name, state in observed.locations.items():
            if (state == "drained") != (name in drained):
                found.append(f"location {name} is {state} at the edge, and the log says otherwise")
        for line in found:
            say(line)
        if found:
            raise OperatorError(
                f"{len(found)} differences from what the log says",
                next_command="fab configure, fab deploy or fab publish",
            )
        say(f"no drift: {len(observed.answering)} hosts are as the log says")


def _show(entries: Iterable[Entry]) -> None:
    rows: list[tuple[str, ...]] = []
    for entry in entries:
        which = entry.release or entry.snapshot or entry.location or ""
        result = f"{entry.result}{', emergency' if entry.emergency else ''}"
        seconds = f"{entry.seconds:.0f}" if entry.seconds else ""
        row = (f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.operator.who, entry.action, which, result, seconds)
        rows.append((*row, entry.reason.replace("\n", " ")[:60]))
    show_table(("when, UTC", "who", "what", "which", "result", "s", "reason"), rows)


def _app_drift(observed: Observation, name: str) -> list[str]:
    log, state = observed.log, observed.states[name]
    found: list[str] = []
    for what, says, has in (
        ("has release", log.release, state.release),
        ("runs", log.release, state.running_release),
        ("serves snapshot", log.snapshot, state.snapshot),
    ):
        if says is not None and has != says:
            found.append(f"{what} {has or 'none'}, and the log says {says}")
    if observed.servers.get(name) != "up":
        found.append(f"its load balancer finds it {observed.servers.get(name, 'unknown')}")
    if state.restarts:
        found.append(f"its service died and was started again {state.restarts} times")
    if state.pending:
        found.append(f"waits to be applied: {', '.join(state.pending)}")
    return found
