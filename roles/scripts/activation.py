"""Changing what a host runs, and putting it back: what was there before is kept on the host until the rollout ends."""

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from roles.on_host import program
from roles.scripts.host_files import HostFile
from roles.scripts.layout import COMPLETE, CURRENT_RELEASE, MANAGED, PENDING, RELEASES, ROLLOUTS, SERVICE
from roles.scripts.quoting import Script, command, exists, script, unless

RESTART_SERVICE = ("systemctl", "restart", SERVICE)
STAGE = "/run/tegak-stage."
ACTIVATE_SECONDS = 120
ONE_A_LINE = "%s\\n"


def activate(
    rollout: str,
    files: Sequence[HostFile],
    gone: Sequence[PurePosixPath],
    wanted: Sequence[PurePosixPath],
    release: str | None,
) -> Script:
    """Check and place files, point at a release, and do what they ask for; only while the host is drained.

    Args:
        rollout: The rollout's id: what the host had before is kept under it.
        files: What differs; standard input is a tar of them.
        gone: Files of an earlier configuration, to be removed.
        wanted: All files that the host should have.
        release: The release to run; None to leave it as it is.
    """
    what = {
        "gone": [str(path) for path in gone],
        "wanted": [str(path) for path in wanted],
        "release": str(RELEASES / release) if release else None,
    }
    return _ask("activate", rollout, files, what)


def put_back(rollout: str, files: Sequence[HostFile]) -> Script:
    """Undo `activate`, as far as it came on the host; nothing happens where it never began.

    Args:
        rollout: The rollout's id.
        files: All that it may have placed; what they ask for is done for those that it did place.
    """
    return _ask("put_back", rollout, files, {})


def remove_unwanted(wanted: Sequence[PurePosixPath]) -> Script:
    """Remove the files of an earlier configuration, where nobody could ask the host which it has.

    Args:
        wanted: All files that the host should have.
    """
    listed = command("printf", ONE_A_LINE, *wanted)
    return script(
        unless(exists(MANAGED), "exit 0"),
        # grep fails where it finds nothing.
        f'{{ {listed} | grep -vxFf - {command(MANAGED)} || true; }} | while read -r path; do rm -f "$path"; done',
    )


def is_active(*units: str) -> Script:
    """Check that daemons run."""
    return script(*(f"{command('systemctl', 'is-active', unit)} > /dev/null" for unit in units))


def _ask(act: str, rollout: str, files: Sequence[HostFile], what: Mapping[str, object]) -> Script:
    asked = {
        "act": act,
        "saved": str(ROLLOUTS / rollout),
        "link": str(CURRENT_RELEASE),
        "managed": str(MANAGED),
        "pending": str(PENDING),
        "stage": STAGE,
        "complete": COMPLETE,
        "restart": RESTART_SERVICE,
        "files": [
            {"path": str(file.path), "source": file.source, "checker": file.checker, "actions": file.actions}
            for file in files
        ],
        **what,
    }
    asking = command("python3", "-IS", "-c", program("activation"), json.dumps(asked))
    return script(asking, timeout_seconds=ACTIVATE_SECONDS)
