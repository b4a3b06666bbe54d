"""What a host has, as it says itself."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from infra.inventory import Host
from roles.fleet import Fleet
from roles.scripts.layout import SERVICE
from roles.scripts.state import probe_host

UNITS = ("nginx.service", "haproxy.service", SERVICE)


class HistoryEntry(BaseModel):
    """A line of a host's history of releases.

    Args:
        at: When, in UTC.
        action: What was done: a failed deploy is never written down.
        release: The release that the host had afterwards.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: str
    action: Literal["deploy", "rollback"]
    release: str


class HostState(BaseModel):
    """What a host has.

    Args:
        release: What `current` points at.
        releases: Complete releases.
        snapshot: What `snapshots/current` points at.
        snapshots: Complete snapshots.
        history: Releases it has had, oldest first.
        ready: Whether its own health check says so.
        running_release: The release that the process was started with.
        units: Which of the daemons run.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    release: str | None
    releases: tuple[str, ...]
    snapshot: str | None
    snapshots: tuple[str, ...]
    history: tuple[HistoryEntry, ...]
    ready: bool
    running_release: str | None
    units: dict[str, bool]


def read_state(fleet: Fleet, host: Host, step: str = "reading its state") -> HostState:
    """Ask a host.

    Raises:
        HostError: It doesn't answer.
    """
    return HostState.model_validate_json(fleet[host].run(step, probe_host(UNITS)))
