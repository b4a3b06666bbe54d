import base64
import datetime as dt
import hashlib
import html
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.addresses import Address, Kind, read_address
from app.loader.announcement import Announcement
from app.loader.build import build_snapshot
from app.service import Service, ServiceSettings
from app.snapshot import COMPLETE, Snapshot
from tests.stands.elections import PILPRES
from tests.stands.packs import unpack_snapshot, write_snapshot
from tests.unit.app.conftest import SAMPLE
from tests.unit.app.naive import naive_documents

STATION = "/static/json/hhcw/ppwp/-99/-991302/-991303/-991304/900000001.json"
PAGES = "/ppwp/hitung-suara"


@pytest.fixture
def client(snapshot_dir: Path, release_dir: Path) -> TestClient:
    return client_of(snapshot_dir, release_dir)


def client_of(snapshot_dir: Path, release_dir: Path) -> TestClient:
    settings = ServiceSettings("jakarta-app-1", "jakarta", release_dir, snapshot_dir, release_dir.parent / "altered")
    return TestClient(Service(settings).application(), raise_server_exceptions=False)


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def test_every_level_has_a_page_and_links_to_the_next(client: TestClient) -> None:
    address = PAGES
    for _ in range(6):
        answer = client.get(address)
        assert answer.status_code == 200
        assert "Data per 1 Juni 2019 pukul 09.45 WIB ." in text_of(answer.text)
        assert 'Data per <time datetime="2019-06-01T09:45:36+07:00">' in answer.text
        assert "Bukan hasil resmi, bukan sampel acak." in answer.text
        below = re.findall(rf'scope="row"><a href="({PAGES}[^"]*)"', answer.text)
        address = below[0] if below else address
    assert address.count("/") == 7
    assert "Foto pertama formulir ini diterima relawan pada" in client.get(address).text


def test_where_numbers_went_back_every_page_says_so(release_dir: Path, tmp_path: Path) -> None:
    reason = "Satu formulir <ditarik>."
    now = dt.datetime(2019, 6, 2, 3, tzinfo=dt.UTC)
    built = build_snapshot(SAMPLE, tmp_path / "dist", now=now, announcement=Announcement(reason))
    client = client_of(unpack_snapshot(built, tmp_path), release_dir)
    for address in ("/", f"{PAGES}/-99", f"{PAGES}/-99/-991302/-991303/-991304"):
        page = text_of(client.get(address).text)
        assert f"Koreksi 2 Juni 2019 pukul 10.00 WIB : {reason} Angka dapat lebih rendah" in page


@pytest.mark.parametrize(
    ("every", "says"),
    [(None, "pukul 10.05 WIB ."), (900, "pukul 10.05 WIB ; berikutnya dijadwalkan 2 Juni 2019 pukul 10.15 WIB .")],
)
def test_every_page_says_when_it_was_published_and_when_the_next_is_due(
    release_dir: Path, tmp_path: Path, every: int | None, says: str
) -> None:
    now = dt.datetime(2019, 6, 2, 3, 5, tzinfo=dt.UTC)
    built = build_snapshot(SAMPLE, tmp_path / "dist", now=now, announcement=Announcement(every_seconds=every))
    client = client_of(unpack_snapshot(built, tmp_path), release_dir)
    for address in ("/", f"{PAGES}/-99", f"{PAGES}/-99/-991302/-991303/-991304"):
        assert f"Diterbitkan 2 Juni 2019 {says}" in text_of(client.get(address).text)


def test_the_national_page_has_progress_totals_and_every_region(client: TestClient) -> None:
    page = text_of(client.get("/").text)
    assert "373 dari 450 TPS (82,89%)" in page
    assert "110.443" in page
    assert "KALIMANTAN UTARA 0 dari 75 TPS 0,00%" in page
    assert "60 formulir diberi catatan" in page
    assert "Suara sah ditambah suara tidak sah melebihi pengguna hak pilih: 53 formulir" in page
    assert "Jumlah suara semua calon tidak sama dengan suara sah: 6 formulir" in page
    assert "Tidak ada satu suara pun pada formulir: 1 formulir" in page
    assert "kali pemilih terdaftar ditambah 10: 1 formulir" in page


def test_pages_ask_for_nothing_else_and_the_policy_names_all_that_they_carry(client: TestClient) -> None:
    for path in ("/", f"{PAGES}/41863"):
        answer = client.get(path)
        policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["img-src"] == "data:"
        for tag in ("style", "script"):
            for text in re.findall(rf"<{tag}>(.*?)</{tag}>", answer.text, re.DOTALL):
                digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
                assert f"'sha256-{digest}'" in policy[f"{tag}-src"].split()
        assert len(policy["style-src"].split()) == answer.text.count("<style>") == 2
        links = re.findall(r'<link rel="(\w+)" href="([^"]*)"', answer.text)
        assert [rel for rel, _ in links] == ["icon", "canonical"]
        assert links[0][1].startswith("data:image/svg+xml,")
        assert not re.search(r' src=| style="|<script ', answer.text)
        assert ("<script>" in answer.text) == (path == "/")


def test_a_contradictory_form_is_shown_as_it_is_with_a_remark(client: TestClient) -> None:
    """Row 3 of the sample: 401 + 87 = 488, and 488 + 7 is more than the 453 who came."""
    page = text_of(client.get(f"{PAGES}/-99/-991302/-991303/-991304/900000002").text)
    assert "Suara sah ditambah suara tidak sah melebihi pengguna hak pilih." in page
    assert "Pengguna hak pilih 453" in page
    assert "Suara sah dan tidak sah 495" in page
    assert "Suara sah 488" in page


def test_a_consistent_form_has_no_remark(client: TestClient) -> None:
    assert "Catatan" not in client.get(f"{PAGES}/-99/-991302/-991303/-991304/900000001").text


def first_station(client: TestClient, province: str) -> str:
    path = [province]
    while len(path) < 5:
        names: dict[str, object] = client.get(f"/static/json/wilayah/{'/'.join(path)}.json").json()
        path.append(next(iter(names)))
    return "/".join(path)


def test_a_station_with_nothing_entered_is_an_empty_object_and_a_page(client: TestClient) -> None:
    path = first_station(client, "928068")
    answer = client.get(f"/static/json/hhcw/ppwp/{path}.json")
    assert (answer.status_code, answer.content) == (200, b"{}")
    assert "belum masuk" in client.get(f"{PAGES}/{path}").text


@pytest.mark.parametrize(
    "path",
    [
        f"{PAGES}/1",
        f"{PAGES}/-99/-991302/-991303/-991304/900009999",
        f"{PAGES}/041863",
        f"{PAGES}/x",
        f"{PAGES}/-99/1/2/3/4/5/6",
        "/nothing",
        "/static/json/hhcw/ppwp/-99/-991302/-991303/-991304/900009999.json",
        "/static/json/hhcw/ppwp/../../../../snapshot.json",
        "/static/json/%2e%2e/%2e%2e/snapshot.json",
    ],
)
def test_what_is_not_there_is_404(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    kept_briefly = path.endswith("/900009999.json")
    assert answer.headers["cache-control"] == ("public, max-age=10" if kept_briefly else "no-store")


def test_an_unchanged_page_is_not_sent_again(client: TestClient) -> None:
    first = client.get("/")
    again = client.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"].startswith("public, max-age=10,")


def test_ready_only_with_a_complete_snapshot_and_release(snapshot_dir: Path, release_dir: Path, tmp_path: Path) -> None:
    ready = client_of(snapshot_dir, release_dir).get("/healthz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")

    without = client_of(tmp_path / "none", release_dir)
    assert without.get("/healthz").status_code == 503
    assert without.get("/").status_code == 503
    assert "Data belum tersedia" in without.get("/").text
    assert without.get("/version").json()["snapshot"] is None

    (release_dir / COMPLETE).unlink()
    assert client_of(snapshot_dir, release_dir).get("/healthz").status_code == 503


def test_version_names_release_snapshot_host_and_location(client: TestClient, snapshot_dir: Path) -> None:
    assert client.get("/version").json() == {
        "release": "1.0.0-0123456789",
        "snapshot": snapshot_dir.name,
        "election": "ppwp",
        "host": "jakarta-app-1",
        "location": "jakarta",
    }


def test_a_new_snapshot_is_served_without_a_restart(snapshot_dir: Path, release_dir: Path, tmp_path: Path) -> None:
    link = tmp_path / "current"
    client = client_of(link, release_dir)
    assert client.get("/healthz").status_code == 503
    link.symlink_to(snapshot_dir)
    assert client.get("/healthz").status_code == 200


def test_a_host_whose_results_were_removed_is_not_ready(release_dir: Path, tmp_path: Path) -> None:
    snapshot = write_snapshot(tmp_path / "snapshot", {"/static/json/wilayah/0.json": b"{}"})
    client = client_of(snapshot, release_dir)
    assert client.get("/healthz").status_code == 200
    (snapshot / "keys").unlink()
    assert client.get("/healthz").json() == {"status": f"{snapshot} has no keys"}


def test_an_error_inside_is_a_page_in_indonesian(release_dir: Path, tmp_path: Path) -> None:
    broken = write_snapshot(tmp_path / "broken", {"/static/json/wilayah/0.json": b"[]"})
    answer = client_of(broken, release_dir).get("/")
    assert answer.status_code == 500
    assert "Terjadi kesalahan" in answer.text


def test_robots_may_read(client: TestClient) -> None:
    assert "Allow: /" in client.get("/robots.txt").text


@pytest.mark.parametrize("path", ["/healthz/", "/version/", "/robots.txt/", "/ppwp", f"{PAGES}/", "/static/json/"])
def test_no_answer_tells_the_name_that_the_service_was_asked_by(client: TestClient, path: str) -> None:
    # Behind the CDN that is the origin's own, which nobody is to know.
    answer = client.get(path, headers={"Host": "asal.contoh.id"}, follow_redirects=False)
    assert "asal.contoh.id" not in answer.text + str(answer.headers)
    assert not answer.is_redirect


def test_every_published_file_and_every_page_that_is_linked_has_an_address(
    client: TestClient, snapshot_dir: Path
) -> None:
    published = list(naive_documents(PILPRES, SAMPLE, Snapshot(snapshot_dir).as_of))
    assert len(published) > 500
    assert [address for address in published if read_address(address) is None] == []
    linked = set(re.findall(rf'href="({PAGES}[^"]*)"', client.get(f"{PAGES}/-99/-991302/-991303/-991304").text))
    assert len(linked) > 5
    assert {read_address(link) for link in linked} >= {
        Address(Kind.PAGE, (-99,), "ppwp"),
        Address(Kind.PAGE, (), "ppwp"),
    }


def test_what_may_only_be_read_says_so(client: TestClient) -> None:
    answer = client.post(PAGES)
    assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, {"GET", "HEAD"})
