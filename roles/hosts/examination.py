"""What each host says of what nobody may have changed there. It takes seconds: no part of `roles.hosts.state`."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from infra.bridge.inventory import Host
from roles.hosts.fleet import Fleet
from roles.scripts.examination import examination_request, examine, read_clock

CLOCK_READINGS = 3


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class UserAccount(_Said):
    """A user who might log in."""

    name: str
    uid: int
    login_shell: str


class Listening(_Said):
    """A socket that waits for others, and the programs that hold it."""

    protocol: str
    address: str
    port: int
    programs: tuple[str, ...]


class Altered(_Said):
    """A file that is not as its package brought it."""

    path: str
    configuration: bool
    missing: bool


class Units(_Said):
    """What systemd has.

    Args:
        foreign: Files that no package has, each with what it links to.
        enabled: What is wanted at boot.
        by_hand: Of that, what a package brought and did not ask for.
    """

    foreign: tuple[tuple[str, str], ...] = ()
    enabled: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()


class Tree(_Said):
    """A release or snapshot beside what was signed.

    Args:
        unknown: Why nothing can be said of it.
        files: What was signed.
        altered: The first that differ.
        altered_files: How many differ.
        strange: The first folders that hold something else.
    """

    unknown: str = ""
    files: int = 0
    altered: tuple[str, ...] = ()
    altered_files: int = 0
    strange: tuple[str, ...] = ()


class Examination(_Said):
    """What a host says.

    Args:
        unknown: What could not be looked at, and why.
        accounts: Who might log in.
        powerful: Groups as good as root, and who is in them.
        sudo_rules: Files of sudo, and their rules.
        keys: Users, files and the keys in them that let somebody in.
        sshd: What sshd makes of its configuration: settings and values.
        listening: What waits for others.
        units: What systemd has.
        altered: What is not as its package brought it.
        packages: What dpkg believes of each package, by name, version and architecture.
        trees: Releases and the current snapshot, by what they are and their name.
    """

    unknown: dict[str, str]
    accounts: tuple[UserAccount, ...] = ()
    powerful: tuple[tuple[str, str], ...] = ()
    sudo_rules: tuple[tuple[str, str], ...] = ()
    keys: tuple[tuple[str, str, str], ...] = ()
    sshd: tuple[tuple[str, str], ...] = ()
    listening: tuple[Listening, ...] = ()
    units: Units = Units()
    altered: tuple[Altered, ...] = ()
    packages: dict[str, str] = {}
    trees: dict[str, dict[str, Tree]] = {}


@dataclass(frozen=True)
class Clock:
    """How far a host's clock is off from this machine's.

    Args:
        offset_s: By how many seconds it is ahead.
        within_s: How much that may be wrong: half of what asking took.
    """

    offset_s: float
    within_s: float


def read_examination(fleet: Fleet, host: Host, signers: str) -> Examination:
    """Examine a host.

    Args:
        fleet: The stack's hosts.
        host: The host.
        signers: Who may sign releases and snapshots.

    Raises:
        HostError: It doesn't answer.
    """
    printed = fleet[host].run("examining it", examine(), examination_request(signers))
    return Examination.model_validate_json(printed)


def read_host_clock(fleet: Fleet, host: Host) -> Clock:
    """Look at a host's clock.

    Raises:
        HostError: It doesn't answer.
    """
    return ask_clock(lambda: float(fleet[host].run("reading its clock", read_clock())), time.time)


def ask_clock(ask: Callable[[], float], now: Callable[[], float]) -> Clock:
    """The best of a few readings: that which took least says most."""
    readings: list[Clock] = []
    for _ in range(CLOCK_READINGS):
        started, there, ended = now(), ask(), now()
        readings.append(Clock(there - (started + ended) / 2, (ended - started) / 2))
    return min(readings, key=lambda clock: clock.within_s)
