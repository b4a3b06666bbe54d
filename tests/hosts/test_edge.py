"""What is true of the edge."""

import ast
import json

import pytest

from infra.bridge.inventory import Inventory
from tests.hosts.remote import Remote

CURL = "curl -sk --max-time 5 -o /dev/null"


@pytest.mark.parametrize("daemon", ["nginx", "haproxy"])
def test_its_daemons_run_and_start_with_it(edge_host: Remote, daemon: str) -> None:
    assert edge_host.service(daemon).is_running
    assert edge_host.service(daemon).is_enabled


def test_its_cache_is_reached_from_itself_alone(edge_host: Remote) -> None:
    listening = edge_host.check_output("ss -Hltn").splitlines()
    addresses = {line.split()[3] for line in listening}
    assert {"127.0.0.1:8080", "127.0.0.1:8081"} <= addresses
    assert not {"0.0.0.0:8080", "0.0.0.0:8081", "*:8080", "*:8081"} & addresses


def test_it_finds_every_location_up(edge_host: Remote, inventory: Inventory) -> None:
    table = edge_host.check_output("echo 'show stat' | sudo socat - UNIX-CONNECT:/run/haproxy/admin.sock")
    rows = [line.split(",") for line in table.splitlines() if line.startswith("locations,")]
    found = {row[1]: row[17] for row in rows if row[1] != "BACKEND"}
    assert found == {location.name: "UP" for location in inventory.locations}


def test_it_speaks_https_with_http_2(edge_host: Remote) -> None:
    assert edge_host.check_output(f"{CURL} -w '%{{http_code}} %{{http_version}}' https://127.0.0.1/") == "200 2"


def test_it_redirects_http(edge_host: Remote, inventory: Inventory) -> None:
    name = inventory.edge.server_name
    answer = edge_host.check_output(
        f"{CURL} -w '%{{http_code}} %{{redirect_url}}' -H 'Host: {name}' http://127.0.0.1/ppwp"
    )
    assert answer == f"301 https://{name}/ppwp"


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_tls_is_refused_by_it_and_not_by_who_asks(edge_host: Remote, version: str) -> None:
    asked = f"openssl s_client -connect 127.0.0.1:443 {version} -cipher DEFAULT@SECLEVEL=0 < /dev/null 2>&1"
    assert "alert protocol version" in edge_host.run(asked).stdout


def test_its_certificate_is_for_its_name_and_lasts(edge_host: Remote, inventory: Inventory) -> None:
    check = (
        "import datetime, ssl, sys; "
        "c = ssl._ssl._test_decode_cert('/etc/tegak/tls/edge.crt'); "
        "print(sorted(v for k, v in c['subjectAltName'])); "
        "left = ssl.cert_time_to_seconds(c['notAfter']) - datetime.datetime.now().timestamp(); "
        "print(left > 14 * 86400)"
    )
    names, lasts = edge_host.check_output("python3 -c %s", check).splitlines()
    name = inventory.edge.server_name
    assert {name, f"*.{name.partition('.')[2]}"}.intersection(ast.literal_eval(names))
    assert lasts == "True"


def test_its_key_is_readable_by_root_alone(edge_host: Remote) -> None:
    assert edge_host.check_output("sudo stat -c '%a %U %G' /etc/tegak/tls/edge.key") == "600 root root"


def test_it_reaches_every_location(edge_host: Remote, inventory: Inventory) -> None:
    assert inventory.balanced
    for location in inventory.balanced:
        url = f"http://{location.endpoint.address}:{location.endpoint.port}/version"
        assert f'"location":"{location.name}"' in edge_host.check_output(f"curl -sf --max-time 5 {url}")


def test_it_keeps_answers_and_not_the_uncacheable_ones(edge_host: Remote) -> None:
    head = "curl -sk --max-time 5 -o /dev/null -D -"
    edge_host.check_output(f"{head} https://127.0.0.1/static/json/wilayah/0.json")
    again = edge_host.check_output(f"{head} https://127.0.0.1/static/json/wilayah/0.json").lower()
    assert "x-cache: hit" in again or "x-cache: updating" in again or "x-cache: stale" in again
    assert "x-cache" not in edge_host.check_output(f"{head} https://127.0.0.1/version").lower()


def test_query_strings_do_not_reach_past_the_cache(edge_host: Remote) -> None:
    head = "curl -sk --max-time 5 -o /dev/null -D -"
    edge_host.check_output(f"{head} https://127.0.0.1/static/json/version.json?a=1")
    assert "x-cache: hit" in edge_host.check_output(f"{head} https://127.0.0.1/static/json/version.json?a=2").lower()


def test_it_asks_for_the_results_that_hosts_show(edge_host: Remote) -> None:
    shown = edge_host.check_output("readlink /srv/tegak/shown")
    version = edge_host.check_output("curl -sk --max-time 5 https://127.0.0.1/version")
    assert json.loads(version)["snapshot"] == shown
