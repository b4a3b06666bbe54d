"""What operators read beside the table: the log and the releases."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from infra.bridge.errors import OperatorError
from roles.hosts.audit import Entry
from roles.hosts.state import observe
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


def _show(entries: Iterable[Entry]) -> None:
    rows: list[tuple[str, ...]] = []
    for entry in entries:
        which = entry.release or entry.snapshot or entry.location or ""
        result = f"{entry.result}{', emergency' if entry.emergency else ''}"
        seconds = f"{entry.seconds:.0f}" if entry.seconds else ""
        row = (f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.operator.who, entry.action, which, result, seconds)
        rows.append((*row, entry.reason.replace("\n", " ")[:60]))
    show_table(("when, UTC", "who", "what", "which", "result", "s", "reason"), rows)
