"""What the two roles with an nginx have in common."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from roles.files import HostFile, render

CONFIGURATION = "/etc/nginx/nginx.conf"
DROP_IN = "/etc/systemd/system/nginx.service.d/10-tegak.conf"
RELOAD = (
    ("systemctl", "daemon-reload"),
    ("systemctl", "enable", "--quiet", "nginx"),
    ("systemctl", "reload-or-restart", "nginx"),
)


def files(role: str, values: Mapping[str, object], *, drained: bool) -> list[HostFile]:
    """An nginx's files.

    Args:
        role: Whose templates.
        values: What the configuration needs.
        drained: Whether the host is taken out of the pool first: a reload closes idle keep-alive connections while a
            request may be on its way.
    """
    return [
        HostFile(PurePosixPath(DROP_IN), render(role, DROP_IN, {}), actions=RELOAD, drained=drained),
        HostFile(
            PurePosixPath(CONFIGURATION),
            render(role, CONFIGURATION, values),
            checker=("nginx", "-q", "-t", "-c", f"staged{CONFIGURATION}"),
            actions=RELOAD,
            drained=drained,
        ),
    ]
