"""What is true of an app host."""

import json

from infra.bridge.inventory import Host
from tests.hosts.remote import Remote

SERVICE = "tegak-results"
HARDENING = {
    "User": "tegak",
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "RestrictAddressFamilies": "AF_UNIX",
    "CapabilityBoundingSet": "",
}


def get(host: Remote, path: str, *options: str) -> str:
    return host.check_output(f"curl -sf --max-time 5 {' '.join(options)} 'http://127.0.0.1{path}'")


def status(host: Remote, path: str) -> str:
    return host.check_output(f"curl -s -o /dev/null --path-as-is -w '%{{http_code}}' 'http://127.0.0.1{path}'")


def test_its_daemons_run_and_start_with_it(app_host: Remote) -> None:
    for unit in ("nginx", SERVICE):
        service = app_host.service(unit)
        assert service.is_running, unit
        assert service.is_enabled, unit


def test_the_service_is_fenced_in(app_host: Remote) -> None:
    properties = app_host.check_output(f"systemctl show {SERVICE} -p {','.join(HARDENING)}")
    assert dict(line.split("=", 1) for line in properties.splitlines()) == HARDENING


def test_the_release_is_complete_and_out_of_the_services_reach(app_host: Remote) -> None:
    release = app_host.check_output("readlink -f /srv/tegak/current")
    assert release.startswith("/srv/tegak/releases/")
    assert app_host.file(f"{release}/.complete").exists
    assert app_host.check_output(f"sudo find {release} '(' ! -user root -o -perm /022 ')' ! -type l") == ""


def test_it_runs_the_release_that_is_current(app_host: Remote, host_entry: Host) -> None:
    version = json.loads(get(app_host, "/version"))
    assert version["release"] == app_host.check_output("basename $(readlink -f /srv/tegak/current)")
    assert version["snapshot"] == app_host.check_output("basename $(readlink -f /srv/tegak/snapshots/current)")
    assert (version["host"], version["location"]) == (host_entry.name, host_entry.location)


def test_it_is_ready(app_host: Remote) -> None:
    assert json.loads(get(app_host, "/healthz"))["status"] == "ready"


def test_pages_show_the_snapshots_time(app_host: Remote) -> None:
    page = get(app_host, "/ppwp/hitung-suara")
    assert "<!doctype html>" in page
    assert "</html>" in page
    assert "Data per <time>" in page


def test_files_of_the_layout_are_served_as_they_are(app_host: Remote) -> None:
    sums = app_host.check_output(
        "cd /srv/tegak/snapshots/current/ && sha256sum < static/json/wilayah/0.json"
        " && curl -sf http://127.0.0.1/static/json/wilayah/0.json | sha256sum"
        " && curl -sf --compressed http://127.0.0.1/static/json/wilayah/0.json | sha256sum"
    )
    assert len(set(sums.splitlines())) == 1


def test_large_files_are_packed_for_those_who_accept_it(app_host: Remote) -> None:
    head = app_host.check_output(
        "curl -sf -o /dev/null -D - -H 'Accept-Encoding: gzip' http://127.0.0.1/static/json/wilayah/0.json"
    )
    plain = app_host.check_output("curl -sf -o /dev/null -D - http://127.0.0.1/static/json/wilayah/0.json")
    large = int(app_host.check_output("stat -L -c %s /srv/tegak/snapshots/current/static/json/wilayah/0.json")) >= 1400
    assert ("content-encoding: gzip" in head.lower()) == large
    assert "content-encoding" not in plain.lower()
    assert "cache-control: public, max-age=10," in plain.lower()


def test_a_station_without_figures_is_an_empty_object_not_an_error(app_host: Remote) -> None:
    """Down the tree of the first province without figures to its first TPS."""
    counts = json.loads(get(app_host, "/static/json/hhcw/ppwp.json"))["table"]
    empty = [region for region, votes in counts.items() if votes["21"] is None]
    if not empty:
        return  # every province has figures: nothing on this host can show it
    path = [empty[0]]
    while len(path) < 5:
        path.append(next(iter(json.loads(get(app_host, f"/static/json/wilayah/{'/'.join(path)}.json")))))
    assert get(app_host, f"/static/json/hhcw/ppwp/{'/'.join(path)}.json") == "{}"


def test_nothing_outside_the_layout_is_served(app_host: Remote) -> None:
    for path in ("/static/json/../../snapshot.json", "/static/json/../../.complete", "/snapshot.json", "/static/"):
        assert status(app_host, path) == "404", path


def test_only_the_release_key_signs_and_only_for_its_two_purposes(app_host: Remote) -> None:
    lines = app_host.file("/etc/tegak/allowed_signers").content_string.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith('release@tegak namespaces="tegak-release,tegak-snapshot,tegak-start" ssh-ed25519 ')
