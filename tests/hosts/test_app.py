"""What is true of an app host."""

import json
import re

import pytest

from infra.bridge.inventory import Host
from tests.hosts.remote import Remote

SERVICE = "tegak-results"
RELEASE, SNAPSHOT = "/srv/tegak/current", "/srv/tegak/snapshots/current"
LEVELS_ABOVE_STATIONS = 4
"""Province, regency, district, kelurahan."""

READ_PACK = """
import bisect, hashlib, pathlib, sys
root, address = pathlib.Path(sys.argv[1]), sys.argv[2].encode()
keys, places = (memoryview((root / name).read_bytes()).cast("Q") for name in ("keys", "places"))
at = bisect.bisect_left(keys, int.from_bytes(hashlib.sha256(address).digest()[:8], "little"))
segment, offset = places[at] >> 56, places[at] >> 23 & (1 << 33) - 1
stamped, length = places[at] >> 22 & 1, places[at] & (1 << 22) - 1
with (root / f"bodies-{segment}").open("rb") as bodies:
    bodies.seek(offset)
    body = bodies.read(length)
digest = hashlib.sha256(address + bytes([stamped]) + body).digest()[:16]
assert (root / "digests").read_bytes()[16 * at : 16 * at + 16] == digest
stamp = (root / "stamp").read_bytes()[4:]
sys.stdout.buffer.write(stamp + body if stamped else body)
"""
"""What a snapshot's pack has at an address: an index of addresses by their SHA-256, and of their bodies' places."""

PACKED_FROM_BYTES = 1400
INSIDE = ("/snapshot.json", "/static/json/../../snapshot.json.sig", "/static/bodies-0", "/static/json/../../keys")
CHECK_SIGNATURE = """
ssh-keygen -Y verify -f <(echo "release@tegak $1") -I release@tegak -n "$2" -s "$4" < "$3" || exit 1
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


def election(host: Remote) -> str:
    """What the election that is shown is called in addresses."""
    return str(json.loads(host.file(f"{SNAPSHOT}/snapshot.json").content_string)["election"]["code"])


def nation(host: Remote) -> str:
    return f"/{election(host)}/hitung-suara"


def status(host: Remote, path: str) -> str:
    return host.check_output(f"curl -s -o /dev/null --path-as-is -w '%{{http_code}}' 'http://127.0.0.1{path}'")


def test_its_daemons_run_and_start_with_it(app_host: Remote) -> None:
    for unit in ("nginx", SERVICE):
        service = app_host.service(unit)
        assert service.is_running, unit
        assert service.is_enabled, unit


def test_the_service_reads_requests_with_debians_httptools(app_host: Remote) -> None:
    process = app_host.check_output(f"systemctl show -P MainPID {SERVICE}")
    app_host.check_output(f"sudo grep -q /httptools/ /proc/{process}/maps")


def test_the_service_is_fenced_in(app_host: Remote) -> None:
    properties = app_host.check_output(f"systemctl show {SERVICE} -p {','.join(HARDENING)}")
    assert dict(line.split("=", 1) for line in properties.splitlines()) == HARDENING


def test_the_release_is_complete_and_out_of_the_services_reach(app_host: Remote) -> None:
    release = app_host.check_output("readlink -f /srv/tegak/current")
    assert release.startswith("/srv/tegak/releases/")
    assert app_host.file(f"{release}/.complete").exists
    assert app_host.check_output(f"sudo find {release} '(' ! -user root -o -perm /022 ')' ! -type l") == ""


def is_signed(host: Remote, path: str, signature: str, key: str, namespace: str) -> bool:
    """Whether a file is signed with the key, for what it is."""
    return host.run("bash -c %s check %s %s %s %s", CHECK_SIGNATURE, key, namespace, path, signature).rc == 0


def test_the_release_is_the_one_that_was_signed_to_the_last_byte(app_host: Remote, release_key: str) -> None:
    signed = (f"{RELEASE}/.signed/archive.tar.gz", f"{RELEASE}/.signed/signature")
    assert is_signed(app_host, *signed, release_key, "tegak-release")
    assert not is_signed(app_host, *signed, release_key, "tegak-snapshot")
    compared = app_host.run(f"tar --compare -zf {RELEASE}/.signed/archive.tar.gz -C {RELEASE}/")
    assert (compared.stdout, compared.rc) == ("", 0)


def test_the_results_are_those_that_were_signed_to_the_last_byte(app_host: Remote, release_key: str) -> None:
    signed = (f"{SNAPSHOT}/snapshot.json", f"{SNAPSHOT}/snapshot.json.sig")
    assert is_signed(app_host, *signed, release_key, "tegak-snapshot")
    files = json.loads(app_host.file(signed[0]).content_string)["files"]
    listed = app_host.check_output(f"cd {SNAPSHOT}/ && find . -type f ! -name .complete").splitlines()
    assert sorted(listed) == sorted(f"./{name}" for name in ("snapshot.json", "snapshot.json.sig", *files))
    sums = "".join(f"{sha256}  {name}\n" for name, sha256 in files.items())
    assert app_host.run(f"cd {SNAPSHOT}/ && printf %%s %s | sha256sum --check --quiet", sums).rc == 0


def test_it_holds_its_results_against_what_was_signed_by_itself(app_host: Remote) -> None:
    assert app_host.service("tegak-check.timer").is_running
    assert app_host.check_output(
        "systemctl show -p TimersMonotonic tegak-check.timer | grep -o 'OnUnitInactiveUSec=[^ ]*'"
    )
    assert not app_host.file("/run/tegak-check/altered").exists


def test_it_runs_the_release_that_is_current(app_host: Remote, host_entry: Host) -> None:
    version = json.loads(get(app_host, "/version"))
    assert version["release"] == app_host.check_output("basename $(readlink -f /srv/tegak/current)")
    assert version["snapshot"] == app_host.check_output("basename $(readlink -f /srv/tegak/snapshots/current)")
    assert (version["host"], version["location"]) == (host_entry.name, host_entry.location)


def test_it_is_ready(app_host: Remote) -> None:
    assert json.loads(get(app_host, "/healthz"))["status"] == "ready"


def test_pages_show_the_snapshots_time(app_host: Remote) -> None:
    page = get(app_host, nation(app_host))
    assert "<!doctype html>" in page
    assert "</html>" in page
    assert "Data per <time datetime=" in page


def in_pack(host: Remote, address: str) -> str:
    """The document that the current snapshot has at an address."""
    return host.check_output("python3 -c %s %s %s", READ_PACK, SNAPSHOT, address)


def test_what_is_kept_of_pages_has_a_bound_and_no_disk_to_fill(app_host: Remote) -> None:
    configuration = app_host.file("/etc/nginx/nginx.conf").content_string
    assert re.findall(r"^ *lua_shared_dict (\w+) (\d+)m;", configuration, re.MULTILINE) == [("pages", "128")]
    assert "_cache_path" not in configuration


def test_a_page_that_is_asked_again_is_the_same_in_either_form(app_host: Remote) -> None:
    plain = get(app_host, nation(app_host))
    assert get(app_host, nation(app_host)) == plain
    assert get(app_host, nation(app_host), "--compressed") == plain


def test_the_service_has_a_process_for_each_processor(app_host: Remote) -> None:
    first = app_host.check_output(f"systemctl show --property MainPID --value {SERVICE}").strip()
    others = app_host.check_output("pgrep --parent %s", first).split()
    processors = int(app_host.check_output("nproc"))
    assert len(others) == min(max(processors, 2), 8)


def test_documents_of_the_layout_are_served_as_they_are(app_host: Remote) -> None:
    for address in ("/static/json/wilayah/0.json", f"/static/json/hhcw/{election(app_host)}.json"):
        assert get(app_host, address) == in_pack(app_host, address)
        assert get(app_host, address, "--compressed") == get(app_host, address)


def path_down(host: Remote, wanted: str) -> str:
    """Down the tree from the nation to a kelurahan: each time to the part of the most stations, or without figures."""
    path: list[str] = []
    code = election(host)
    while len(path) < LEVELS_ABOVE_STATIONS:
        parts = json.loads(in_pack(host, f"/static/json/kemajuan/{'/'.join([code, *path])}.json"))["table"]
        open_parts = {region: part["total"] - part["proses"] for region, part in parts.items()}
        sizes = open_parts if wanted == "open" else {region: part["total"] for region, part in parts.items()}
        largest = max(sizes, key=lambda region: sizes[region])
        if not sizes[largest]:
            pytest.skip("every form has arrived: no TPS of these results is without figures")
        path.append(largest)
    return "/".join(path)


def test_large_documents_are_packed_for_those_who_accept_it_and_small_ones_are_not(app_host: Remote) -> None:
    code = election(app_host)
    for address in (f"/static/json/{code}.json", f"/static/json/hhcw/{code}/{path_down(app_host, 'large')}.json"):
        url = f"http://127.0.0.1{address}"
        packed = app_host.check_output(f"curl -sf -o /dev/null -D - -H 'Accept-Encoding: gzip' {url}").lower()
        plain = app_host.check_output(f"curl -sf -o /dev/null -D - {url}").lower()
        assert ("content-encoding: gzip" in packed) == (len(get(app_host, address)) >= PACKED_FROM_BYTES)
        assert "content-encoding" not in plain
        for head in (packed, plain):
            assert "cache-control: public, max-age=10," in head
            assert "content-length: " in head
            assert head.count("vary:") <= 1
        assert get(app_host, address, "--compressed") == get(app_host, address)


def test_what_a_client_has_already_is_not_sent_again(app_host: Remote) -> None:
    address = f"/static/json/hhcw/{election(app_host)}.json"
    head = app_host.check_output(f"curl -sf -o /dev/null -D - http://127.0.0.1{address}")
    for name, header in (("If-None-Match", "etag"), ("If-Modified-Since", "last-modified")):
        value = next(line.split(": ", 1)[1] for line in head.splitlines() if line.lower().startswith(f"{header}: "))
        command = "curl -s -o /dev/null -w '%%{http_code}' -H %s http://127.0.0.1%s"
        assert app_host.check_output(command, f"{name}: {value}", address) == "304"


def test_a_station_without_figures_is_an_empty_object_not_an_error(app_host: Remote) -> None:
    kelurahan = f"/static/json/hhcw/{election(app_host)}/{path_down(app_host, 'open')}"
    table = json.loads(get(app_host, f"{kelurahan}.json"))["table"]
    station = next(station for station, votes in table.items() if None in votes.values())
    assert get(app_host, f"{kelurahan}/{station}.json") == "{}"


def test_nothing_outside_the_layout_is_served(app_host: Remote) -> None:
    for path in (
        "/static/json/../../snapshot.json",
        "/static/json/../../.complete",
        "/static/",
        *INSIDE,
    ):
        assert status(app_host, path) == "404", path


def test_only_the_release_key_signs_and_only_for_its_three_purposes(app_host: Remote, release_key: str) -> None:
    lines = app_host.file("/etc/tegak/allowed_signers").content_string.strip().splitlines()
    assert lines == [f'release@tegak namespaces="tegak-release,tegak-snapshot,tegak-start" {release_key}']
