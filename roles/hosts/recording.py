"""Writing the audit log: an entry goes to every host, above all that is there, with what a host lacks of the log."""

from collections.abc import Mapping

from infra.bridge.errors import OperatorError
from infra.bridge.inventory import Host
from roles.hosts.audit import Entry
from roles.hosts.fleet import Fleet
from roles.hosts.lock import is_majority
from roles.hosts.state import Observation
from roles.scripts.lock import append_log
from roles.scripts.quoting import Script


def record(fleet: Fleet, observed: Observation, entry: Entry, then: Mapping[str, Script]) -> list[OperatorError]:
    """Write an entry into every host's log.

    Its order is one above what was observed. Where a host turns out to have a higher one by now, somebody else wrote
    meanwhile: the entry is written once more, above theirs.

    Args:
        fleet: The stack's hosts.
        observed: What they had.
        entry: The entry.
        then: What is done on a host that took it, by the host's name.

    Returns:
        What failed on hosts that are fewer than half.

    Raises:
        OperatorError: Fewer than half of the hosts took it.
    """
    order = observed.order + 1
    results = _write(fleet, observed, entry.model_copy(update={"order": order}), then)
    failed = [result for result in results.values() if isinstance(result, OperatorError)]
    if not is_majority(len(results) - len(failed), fleet.inventory):
        raise OperatorError(
            f"the log needs more than half of {len(fleet.inventory.hosts)} hosts"
            f"{': ' + failed[0].message if failed else ''}",
            next_command="fab status",
        )
    newest = max(result for result in results.values() if not isinstance(result, OperatorError))
    if newest >= order:
        _write(fleet, observed, entry.model_copy(update={"order": newest + 1}), {})
    return failed


def lacking(observed: Observation, host: str) -> list[Entry]:
    """What is decisive, and a host's log hasn't got: it was made anew, or away when it was written."""
    has = {(entry.id, entry.order) for entry in observed.states[host].log.decisive}
    return [entry for entry in observed.log.entries if (entry.id, entry.order) not in has]


def _write(
    fleet: Fleet, observed: Observation, entry: Entry, then: Mapping[str, Script]
) -> dict[str, int | OperatorError]:
    """Write it; the highest order that each host had before."""

    def write(host: Host) -> int:
        lines = b"".join(each.line() for each in (*lacking(observed, host.name), entry))
        printed = fleet[host].run("writing the log", append_log().then(then.get(host.name)), lines)
        return int(printed.split()[0])

    return fleet.on_each(observed.answering, write)
