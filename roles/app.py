"""An app host: nginx in front of the results service."""

from pathlib import PurePosixPath

from infra.inventory import Host
from roles import nginx
from roles.files import HostFile, render
from roles.scripts.layout import ALLOWED_SIGNERS, CURRENT_RELEASE, CURRENT_SNAPSHOT, SERVICE

UNIT = f"/etc/systemd/system/{SERVICE}"
ENVIRONMENT = "/etc/tegak/results.env"
SYSUSERS = "/etc/sysusers.d/tegak.conf"
TMPFILES = "/etc/tmpfiles.d/tegak.conf"

RESTART_SERVICE = (
    ("systemctl", "daemon-reload"),
    ("systemctl", "enable", "--quiet", SERVICE),
    ("systemctl", "restart", SERVICE),
)


def files(host: Host, signers: str) -> list[HostFile]:
    """The files of an app host.

    Args:
        host: The host.
        signers: Who may sign releases and snapshots, a line of an allowed_signers file.
    """
    place = {"host": host.name, "location": host.location}
    links = {"current_release": CURRENT_RELEASE, "current_snapshot": CURRENT_SNAPSHOT}
    allowed = str(ALLOWED_SIGNERS)
    return [
        HostFile(ALLOWED_SIGNERS, render("app", allowed, {"signers": signers.strip()})),
        HostFile(PurePosixPath(SYSUSERS), render("app", SYSUSERS, {}), actions=(("systemd-sysusers", "tegak.conf"),)),
        HostFile(
            PurePosixPath(TMPFILES),
            render("app", TMPFILES, {}),
            actions=(("systemd-tmpfiles", "--create", "tegak.conf"),),
        ),
        HostFile(
            PurePosixPath(ENVIRONMENT),
            render("app", ENVIRONMENT, {**place, **links}),
            actions=RESTART_SERVICE,
            drained=True,
        ),
        HostFile(
            PurePosixPath(UNIT),
            render("app", UNIT, links),
            checker=("systemd-analyze", "verify", "--man=no", f"staged{UNIT}"),
            actions=RESTART_SERVICE,
            drained=True,
        ),
        *nginx.files("app", links, drained=True),
    ]
