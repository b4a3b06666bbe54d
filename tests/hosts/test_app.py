"""What is true of an app host."""

import json

import pytest

from infra.bridge.inventory import Host
from tests.hosts.remote import Remote

SERVICE = "tegak-results"
RELEASE, SNAPSHOT = "/srv/tegak/current", "/srv/tegak/snapshots/current"
LEVELS_ABOVE_STATIONS = 4
"""Province, regency, district, kelurahan."""

OF_THE_NATION = (
    "snapshot.json",
    "static/json/version.json",
    "static/json/ppwp.json",
    "static/json/hhcw/ppwp.json",
    "static/json/wilayah/0.json",
    "pages/progress/0.json",
)
SIGNED = ("/.signed/archive.tar.gz", "/static/json/../../.signed/archive.tar.gz", "/static/.signed/signature")
CHECK_SIGNATURE = """
ssh-keygen -Y verify -f <(echo "release@tegak $1") -I release@tegak -n "$2" \\
    -s "$3"/.signed/signature < "$3"/.signed/archive.tar.gz || exit 1
"""
"""Its own exit code without a match is 255, which is ssh's for a host that can't be reached."""
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


def is_signed(host: Remote, directory: str, key: str, namespace: str) -> bool:
    """Whether what a directory was unpacked from is signed with the key, for what it is."""
    return host.run("bash -c %s check %s %s %s", CHECK_SIGNATURE, key, namespace, directory).rc == 0


def test_the_release_is_the_one_that_was_signed_to_the_last_byte(app_host: Remote, release_key: str) -> None:
    assert is_signed(app_host, RELEASE, release_key, "tegak-release")
    assert not is_signed(app_host, RELEASE, release_key, "tegak-snapshot")
    compared = app_host.run(f"tar --compare -zf {RELEASE}/.signed/archive.tar.gz -C {RELEASE}/")
    assert (compared.stdout, compared.rc) == ("", 0)


def test_the_nations_results_are_those_that_were_signed(app_host: Remote, release_key: str) -> None:
    assert is_signed(app_host, SNAPSHOT, release_key, "tegak-snapshot")
    names = " ".join(OF_THE_NATION)
    compared = app_host.run(f"tar --compare -zf {SNAPSHOT}/.signed/archive.tar.gz -C {SNAPSHOT}/ {names}")
    assert (compared.stdout, compared.rc) == ("", 0)


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


@pytest.mark.parametrize(("size", "packed"), [("+1399c", True), ("-1400c", False)], ids=["large", "small"])
def test_large_files_are_packed_for_those_who_accept_it_and_small_ones_are_not(
    app_host: Remote, size: str, *, packed: bool
) -> None:
    json_root = f"{SNAPSHOT}/static/json"
    found = app_host.check_output(f"find -L {json_root} -name '*.json' -size {size} -print -quit")
    if not found:
        pytest.skip(f"these results have no file of such a size ({size})")
    url = f"http://127.0.0.1{found.removeprefix(SNAPSHOT)}"
    head = app_host.check_output(f"curl -sf -o /dev/null -D - -H 'Accept-Encoding: gzip' {url}").lower()
    plain = app_host.check_output(f"curl -sf -o /dev/null -D - {url}").lower()
    assert ("content-encoding: gzip" in head) == packed
    assert "content-encoding" not in plain
    assert "cache-control: public, max-age=10," in plain


def test_a_station_without_figures_is_an_empty_object_not_an_error(app_host: Remote) -> None:
    """Down the tree, always to a part where forms are still to come, to its first TPS without one."""
    path: list[str] = []
    while len(path) < LEVELS_ABOVE_STATIONS:
        parts = json.loads(app_host.check_output(f"cat {SNAPSHOT}/pages/progress/{'/'.join(path) or '0'}.json"))
        open_parts = [region for region, (stations, entered, *_) in parts.items() if entered < stations]
        if not open_parts:
            pytest.skip("every form has arrived: no TPS of these results is without figures")
        path.append(open_parts[0])
    table = json.loads(get(app_host, f"/static/json/hhcw/ppwp/{'/'.join(path)}.json"))["table"]
    station = next(station for station, votes in table.items() if votes["21"] is None)
    assert get(app_host, f"/static/json/hhcw/ppwp/{'/'.join([*path, station])}.json") == "{}"


def test_nothing_outside_the_layout_is_served(app_host: Remote) -> None:
    for path in (
        "/static/json/../../snapshot.json",
        "/static/json/../../.complete",
        "/snapshot.json",
        "/static/",
        *SIGNED,
    ):
        assert status(app_host, path) == "404", path


def test_only_the_release_key_signs_and_only_for_its_three_purposes(app_host: Remote, release_key: str) -> None:
    lines = app_host.file("/etc/tegak/allowed_signers").content_string.strip().splitlines()
    assert lines == [f'release@tegak namespaces="tegak-release,tegak-snapshot,tegak-start" {release_key}']
