"""What every host becomes."""

from pathlib import PurePosixPath

from infra.inventory import Host
from roles.files import HostFile, render

SSHD = "/etc/ssh/sshd_config.d/10-tegak.conf"
JOURNALD = "/etc/systemd/journald.conf.d/10-tegak.conf"


def files(host: Host) -> list[HostFile]:
    """The files of a host of any role."""
    return [
        HostFile(
            PurePosixPath(SSHD),
            render("base", SSHD, {"ssh_user": host.ssh_user}),
            checker=("sshd", "-t", "-f", f"staged{SSHD}"),
            actions=(("systemctl", "reload", "ssh"),),
        ),
        HostFile(
            PurePosixPath(JOURNALD),
            render("base", JOURNALD, {}),
            actions=(("systemctl", "restart", "systemd-journald"),),
        ),
    ]
