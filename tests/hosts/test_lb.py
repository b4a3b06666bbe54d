"""What is true of a load balancer."""

from infra.bridge.inventory import Host, Inventory
from tests.hosts.remote import Remote

SOCKET = "/run/haproxy/admin.sock"


def servers(host: Remote) -> dict[str, str]:
    """HAProxy's word for each server of its pool."""
    table = host.check_output(f"echo 'show stat' | sudo socat - UNIX-CONNECT:{SOCKET}")
    rows = [line.split(",") for line in table.splitlines() if line.startswith("results,")]
    return {row[1]: row[17] for row in rows if row[1] != "BACKEND"}


def test_haproxy_runs_and_starts_with_it(lb_host: Remote) -> None:
    assert lb_host.service("haproxy").is_running
    assert lb_host.service("haproxy").is_enabled
    assert not lb_host.service("nginx").is_running


def test_all_app_hosts_of_its_location_and_no_others_are_in_the_pool_and_up(
    lb_host: Remote, host_entry: Host, inventory: Inventory
) -> None:
    names = [host.name for host in inventory.with_role("app", host_entry.location)]
    assert names
    assert servers(lb_host) == dict.fromkeys(names, "UP")


def test_it_passes_requests_to_its_own_location(lb_host: Remote, host_entry: Host) -> None:
    answer = lb_host.check_output("curl -sf --max-time 5 http://127.0.0.1/version")
    assert f'"location":"{host_entry.location}"' in answer


def test_its_admin_socket_is_closed_to_others(lb_host: Remote) -> None:
    assert lb_host.check_output(f"sudo stat -c %a {SOCKET}") == "660"


def test_states_of_servers_outlive_a_reload(lb_host: Remote) -> None:
    assert "show servers state" in lb_host.check_output("systemctl show haproxy -p ExecReload")
    assert lb_host.file("/var/lib/haproxy/server-state").exists
