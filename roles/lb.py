"""A load balancer: HAProxy in front of its location's app hosts."""

from pathlib import PurePosixPath

from infra.inventory import Host, Inventory
from roles.files import HostFile, render
from roles.scripts.layout import BACKEND, HAPROXY_SOCKET

HAPROXY = "/etc/haproxy/haproxy.cfg"
DROP_IN = "/etc/systemd/system/haproxy.service.d/10-tegak.conf"
RELOAD = (
    ("systemctl", "daemon-reload"),
    ("systemctl", "enable", "--quiet", "haproxy"),
    ("systemctl", "reload-or-restart", "haproxy"),
)


def files(host: Host, inventory: Inventory) -> list[HostFile]:
    """The files of a load balancer; a server in its pool is named after its host."""
    values = {
        "location": host.location,
        "haproxy_socket": HAPROXY_SOCKET,
        "backend": BACKEND,
        "servers": inventory.with_role("app", host.location),
    }
    return [
        HostFile(PurePosixPath(DROP_IN), render("lb", DROP_IN, values), actions=RELOAD),
        HostFile(
            PurePosixPath(HAPROXY),
            render("lb", HAPROXY, values),
            checker=("haproxy", "-c", "-q", "-f", f"staged{HAPROXY}"),
            actions=RELOAD,
        ),
    ]
