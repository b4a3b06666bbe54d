"""What a host keeps of the real service's answers: Debian's nginx, with the files that are deployed."""

import gzip
import json
import shutil
import tempfile
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from app.layout import count_file, dump, names_file, progress_file
from app.snapshot import COMPLETE
from tests.stands.app_host import PATIENCE_SECONDS, AppHost, Got
from tests.stands.packs import write_snapshot
from tests.stands.waiting import until
from tools.debian import has_packages

NATION, REGION = "/ppwp/hitung-suara", "/ppwp/hitung-suara/1"
GZIP = {"Accept-Encoding": "gzip"}
OLD, NEW = "old", "new"
VOTES = {OLD: 1111, NEW: 2222}

pytestmark = pytest.mark.skipif(not has_packages(), reason="nginx comes out of Debian's packages")


def snapshot_of(directory: Path, votes: int) -> Path:
    """A nation of one province of one regency, and its figures."""
    both = {"21": votes, "22": 7}
    documents: dict[str, object] = {}
    for region, child in (((), 1), ((1,), 2)):
        documents[names_file(region)] = {str(child): {"nama": f"WILAYAH {child}"}}
        progress = {"total": 3, "proses": 2}
        documents[count_file("ppwp", region)] = {"chart": both, "table": {str(child): both}, "progress": progress}
        documents[progress_file("ppwp", region)] = {"progress": progress, "table": {str(child): progress}}
    return write_snapshot(directory, {f"/{path}": dump(document) for path, document in documents.items()})


@contextmanager
def host_of(snapshots: Path, **replaced: str) -> Generator[AppHost, None, None]:
    with tempfile.TemporaryDirectory(prefix="tegak-") as root:
        host = AppHost(Path(root), replaced)
        for name in (OLD, NEW):
            host.receive(snapshots / name, name)
        host.publish(OLD)
        with ExitStack() as stack:
            stack.callback(host.stop)
            host.start()
            stack.enter_context(host.nginx.running())
            yield host


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("snapshots")
    for name, votes in VOTES.items():
        snapshot_of(directory / name, votes)
    return directory


@pytest.fixture
def host(snapshots: Path) -> Generator[AppHost, None, None]:
    with host_of(snapshots) as host:
        yield host


@pytest.fixture
def patient(snapshots: Path) -> Generator[AppHost, None, None]:
    """A host where who waits for another one's answer waits longer than the test's client does."""
    with host_of(snapshots, **{"LONGEST_WAIT_SECONDS = 2, 0.002, 1": "LONGEST_WAIT_SECONDS = 60, 0.002, 60"}) as host:
        yield host


def shows(got: Got) -> str:
    page = gzip.decompress(got.body) if "content-encoding" in got.headers else got.body
    (name,) = [name for name, votes in VOTES.items() if f"{votes:,}".replace(",", ".").encode() in page]
    return name


def directly(host: AppHost, address: str) -> Got:
    """What the service says that nothing was kept of: an address in another writing, which is never kept."""
    return host.get(address.replace("ppwp", "%70pwp"))


def test_a_page_is_made_once_and_stays_what_it_was(host: AppHost) -> None:
    made = directly(host, NATION)
    host.asked()
    first, second = host.get(NATION), host.get(f"{NATION}?again")
    assert host.asked() == [NATION]
    assert first.body == second.body == made.body
    same = {name: value for name, value in made.headers.items() if name != "date"}
    for got in (first, second):
        assert {name: value for name, value in got.headers.items() if name != "date"} == same
    assert {"etag", "cache-control", "content-security-policy", "vary"} <= set(same)
    assert not [name for name in same if name.startswith("tegak")]


def test_the_packed_form_is_kept_too_and_is_the_same_page(host: AppHost) -> None:
    plain = host.get(NATION)
    for _ in range(2):
        packed = host.get(NATION, GZIP)
        assert gzip.decompress(packed.body) == plain.body
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["vary"] == "Accept-Encoding"
        assert packed.headers["etag"] == f"W/{plain.headers['etag']}"
        assert packed.headers["content-security-policy"] == plain.headers["content-security-policy"]
    assert host.asked() == [NATION, NATION]


@pytest.mark.parametrize("headers", [{}, GZIP])
def test_what_a_reader_has_is_not_sent_again_and_kept_whole_for_the_others(
    host: AppHost, headers: dict[str, str]
) -> None:
    tag = directly(host, NATION).headers["etag"]
    host.asked()
    for _ in range(2):
        same = host.get(NATION, {"If-None-Match": tag, **headers})
        assert (same.status, same.body) == (304, b"")
        head = host.get(NATION, headers, method="HEAD")
        assert (head.status, head.body) == (200, b"")
        assert int(head.headers["content-length"]) == len(host.get(NATION, headers).body)
    assert host.asked() == [NATION]


def test_a_switch_shows_the_new_page_with_the_next_request_and_back_the_old_one(host: AppHost) -> None:
    for name in (OLD, NEW, OLD, NEW):
        host.publish(name)
        assert [shows(host.get(NATION)), shows(host.get(NATION))] == [name, name]
    assert host.asked() == [NATION, NATION]


def held(host: AppHost, act: Callable[[], object]) -> Got:
    """A page that the service is asked for before something happens, and answers after it."""
    (host.root / "hold").touch()
    with ThreadPoolExecutor() as pool:
        getting = pool.submit(host.get, NATION)
        until((host.root / "asked").exists, PATIENCE_SECONDS)
        act()
        (host.root / "hold").unlink()
        return getting.result()


def test_a_page_of_the_next_snapshot_is_not_kept_as_one_of_the_last(host: AppHost) -> None:
    assert shows(held(host, lambda: host.publish(NEW))) == NEW
    host.publish(OLD)
    assert shows(host.get(NATION)) == OLD


def test_a_page_of_the_last_snapshot_is_not_kept_as_one_of_the_next(host: AppHost) -> None:
    host.publish(NEW)
    assert shows(held(host, lambda: host.publish(OLD))) == OLD
    host.publish(NEW)
    assert shows(host.get(NATION)) == NEW


def test_a_page_of_the_last_release_is_not_kept_as_one_of_the_next(host: AppHost) -> None:
    host.release("2.0.0-0123456789")
    assert b"Rilis 1.0.0-" in host.get(NATION).body
    host.stop()
    host.start()
    assert b"Rilis 2.0.0-" in host.get(NATION).body
    host.release("1.0.0-0123456789")
    host.stop()
    host.start()
    assert b"Rilis 1.0.0-" in host.get(NATION).body


def test_a_snapshot_that_came_anew_is_another_one(host: AppHost, snapshots: Path) -> None:
    """An altered one is put aside, and comes once more under the same name."""
    host.receive(snapshots / NEW, OLD)
    assert shows(host.get(NATION)) == NEW
    shutil.rmtree(host.root / "srv/tegak/snapshots" / OLD)
    host.receive(snapshots / OLD, OLD)
    assert shows(host.get(NATION)) == OLD


DOCUMENT, OTHER = f"/{count_file('ppwp', ())}", f"/{count_file('ppwp', (1,))}"


def alter(snapshot: Path) -> None:
    """Alter the figures of a snapshot in place, as whoever has got into a host could."""
    with (snapshot / "bodies-0").open("r+b") as file:
        body = file.read()
        file.seek(0)
        file.write(body.replace(b"1111", b"9999"))


ONE_WORKER = {"worker_processes auto;": "worker_processes 1;"}
"""Each has its own memory."""


def test_an_altered_document_is_answered_as_it_was_signed_or_not_at_all(snapshots: Path) -> None:
    with host_of(snapshots, **ONE_WORKER) as host:
        signed = host.get(DOCUMENT)
        assert signed.status == 200
        alter(host.root / "srv/tegak/snapshots" / OLD)
        for _ in range(3):
            again = host.get(DOCUMENT)
            assert (again.status, again.body, again.headers["etag"]) == (200, signed.body, signed.headers["etag"])
            assert host.get(OTHER).status == 503


def test_what_is_not_kept_of_it_is_not_answered_any_more(snapshots: Path) -> None:
    # Each is gone with the second one after it.
    with host_of(snapshots, **ONE_WORKER, **{"= 2 * 2 ^ 20, 500": "= 0, 500"}) as host:
        host.get(DOCUMENT)
        host.get(OTHER)
        alter(host.root / "srv/tegak/snapshots" / OLD)
        for region in ((), (1,)):
            assert host.get(f"/{names_file(region)}").status == 200
        assert [host.get(DOCUMENT).status for _ in range(2)] == [503, 503]
        assert "is not as it was built" in host.nginx.log()


def test_a_document_is_kept_by_its_snapshot_and_by_its_form(host: AppHost, snapshots: Path) -> None:
    def seen(headers: dict[str, str]) -> int:
        return json.loads(host.get(DOCUMENT, headers).body)["chart"]["21"]

    for name in (OLD, NEW, OLD, NEW):
        host.publish(name)
        assert [seen({}), seen(GZIP), seen({})] == [VOTES[name]] * 3
    altered = host.receive(snapshots / OLD, NEW)  # came anew under its name
    assert altered.name == NEW
    assert seen({}) == VOTES[OLD]


def test_a_large_document_is_kept_plain_and_packed(tmp_path: Path, snapshots: Path) -> None:
    large = dump({"chart": {"21": 1111}, "text": "a" * 5000})
    with host_of(snapshots) as host:
        host.receive(write_snapshot(tmp_path / "large", {DOCUMENT: large}), "large")
        host.publish("large")
        for _ in range(3):
            plain, packed = host.get(DOCUMENT), host.get(DOCUMENT, GZIP)
            assert plain.body == gzip.decompress(packed.body) == large
            assert "content-encoding" not in plain.headers
            assert packed.headers["content-encoding"] == "gzip"
            assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
            assert plain.headers["etag"] != packed.headers["etag"]
            assert int(packed.headers["content-length"]) == len(packed.body)
            assert host.get(DOCUMENT, {"If-None-Match": plain.headers["etag"]}).status == 304


def test_errors_are_not_kept(host: AppHost) -> None:
    (host.root / "broken").touch()
    assert [host.get(NATION).status for _ in range(2)] == [500, 500]
    (host.root / "broken").unlink()
    assert host.get(NATION).status == 200
    host.stop()
    assert host.get(NATION).status == 200
    assert host.get(REGION).status == 502
    assert host.get("/healthz").status == 502
    host.start()
    assert host.get(REGION).status == 200


def test_half_an_answer_is_none(host: AppHost) -> None:
    (host.root / "cut").touch()
    assert host.get(NATION).status == 502
    (host.root / "cut").unlink()
    assert shows(host.get(NATION)) == OLD


def test_what_may_come_to_be_is_kept_briefly_if_it_is_a_document_and_not_at_all_if_a_page(host: AppHost) -> None:
    document, page = "/static/json/hhcw/ppwp/9.json", f"{NATION}/9"
    for _ in range(2):
        got = host.get(document)
        assert (got.status, got.body) == (404, b'{"error":404}')
        assert got.headers["cache-control"] == "public, max-age=10"
        assert got.headers["content-type"] == "application/json"
    assert host.asked() == [document]
    for _ in range(2):
        assert host.get(page).status == 404
    assert host.asked() == [page, page]


@pytest.mark.parametrize("address", ["/healthz", "/version"])
def test_what_is_of_this_moment_is_always_asked(patient: AppHost, address: str) -> None:
    host = patient
    assert [host.get(address).status for _ in range(2)] == [200, 200]
    assert host.asked() == [address, address]
    (host.root / "hold").touch()
    with ThreadPoolExecutor() as pool:
        both: list[Future[Got]] = [pool.submit(host.get, address) for _ in range(2)]
        # Neither waits for the other.
        until(
            lambda: (host.root / "asked").exists() and len((host.root / "asked").read_text().splitlines()) == 2,
            PATIENCE_SECONDS,
        )
        (host.root / "hold").unlink()
        assert [got.result().status for got in both] == [200, 200]


def test_the_gates_requests_are_answered_by_the_service_and_keep_nothing(host: AppHost) -> None:
    assert [shows(host.get(NATION, {"Tegak-Anew": "1"})) for _ in range(2)] == [OLD, OLD]
    host.get(NATION)
    host.get(NATION, {"Tegak-Anew": "1"})
    assert host.asked() == [NATION] * 4


def test_many_who_ask_at_once_have_a_page_made_once(host: AppHost) -> None:
    (host.root / "hold").touch()
    with ThreadPoolExecutor(20) as pool:
        getting = [pool.submit(host.get, NATION) for _ in range(20)]
        until((host.root / "asked").exists, PATIENCE_SECONDS)
        (host.root / "hold").unlink()
        assert {shows(each.result()) for each in getting} == {OLD}
    assert host.asked() == [NATION]


def test_who_waits_for_an_answer_that_is_not_kept_gets_one_all_the_same(patient: AppHost) -> None:
    host = patient
    (host.root / "broken").touch()
    (host.root / "hold").touch()
    with ThreadPoolExecutor(8) as pool:
        getting = [pool.submit(host.get, NATION) for _ in range(8)]
        until((host.root / "asked").exists, PATIENCE_SECONDS)
        (host.root / "hold").unlink()
        assert {each.result().status for each in getting} == {500}


def test_without_a_snapshot_nothing_is_kept(host: AppHost) -> None:
    (host.root / "srv/tegak/snapshots/current").unlink()
    assert [host.get(NATION).status for _ in range(2)] == [503, 503]
    host.publish(OLD)
    assert host.get(NATION).status == 200


def test_where_there_is_no_more_room_every_page_is_answered_and_nothing_is_written(snapshots: Path) -> None:
    with host_of(snapshots, **{"lua_shared_dict pages 128m;": "lua_shared_dict pages 32k;"}) as host:
        for number in range(100):
            host.publish((OLD, NEW)[number % 2])
            address = (NATION, REGION, f"{NATION}/", "/")[number % 4]
            assert shows(host.get(address, GZIP if number % 3 else {"Accept-Encoding": "identity"}))
        assert len(host.asked()) > 8
        # No disk can be too full for pages.
        assert [path for path in (host.root / "unsent").rglob("*") if path.is_file()] == []


def test_an_edge_gets_the_snapshot_that_it_asks_for_as_long_as_it_is_here(snapshots: Path) -> None:
    old, new = "20290214T120000Z-aaaaaaaaaa", "20290214T121500Z-bbbbbbbbbb"
    document = f"/{count_file('ppwp', ())}"
    with host_of(snapshots) as host:
        for name, which in ((old, OLD), (new, NEW)):
            host.receive(snapshots / which, name)
        host.publish(new)

        def seen(asked: str) -> tuple[str, str]:
            headers = {"Tegak-Snapshot": asked}
            both = json.loads(host.get(document, headers).body)["chart"]["21"]
            (name,) = [name for name, votes in VOTES.items() if votes == both]
            return name, shows(host.get(NATION, headers))

        for _ in range(2):
            assert seen(old) == (OLD, OLD)
            assert seen(new) == (NEW, NEW)
            assert shows(host.get(NATION)) == NEW
        # What isn't here, isn't whole, or is no name of a snapshot: what is current.
        (host.root / "srv/tegak/snapshots" / old / COMPLETE).unlink()
        for odd in (old, "20290214T120000Z-cccccccccc", "old", "..", "../snapshots/old", f"{old}/", "", "%" * 200):
            assert seen(odd) == (NEW, NEW)
        assert host.nginx.log().count("[error]") == 0
