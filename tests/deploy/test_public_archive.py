"""The public archive, as somebody from outside checks it through the edge."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from infra.bridge.inventory import Host
from roles.scripts.layout import CURRENT_SNAPSHOT, PUBLIC_ARCHIVE
from tests.deploy.faults import on_host_until_left
from tests.deploy.test_guards import app_hosts, on_host
from tests.deploy.test_rollout import url
from tests.deploy.test_ticks import counted
from tests.stands.lab import PROJECT, SMALL, LabStack
from tests.stands.results import source_of

TICKS = 3


@pytest.fixture
def publish(stack: LabStack, tmp_path: Path) -> Generator[Callable[[int], str], None, None]:
    """Publishes a tick; what was shown before is shown again in the end."""

    def tick(number: int) -> str:
        directory = tmp_path / f"results-{number}"
        return stack.fab("publish", "--source", str(source_of(directory, stations=counted(number))))

    yield tick
    stack.fab("publish", "--source", SMALL, "--correction", "Uji coba selesai.")


def edge_of(stack: LabStack) -> Host:
    (edge,) = stack.inventory().with_role("edge")
    return edge


def fetched(stack: LabStack, address: str) -> tuple[int, bytes]:
    """The status and the body that the edge answers."""
    argv = ["curl", "-s", "-w", "%{http_code}", "--cacert", str(stack.ca_file), f"{url(stack)}{address}"]
    answer = subprocess.run(argv, capture_output=True, check=True).stdout
    return int(answer[-3:]), answer[:-3]


def index(stack: LabStack) -> list[dict[str, Any]]:
    status, body = fetched(stack, "/arsip/indeks.json")
    assert status == 200
    return json.loads(body)["arsip"]


def shown(stack: LabStack) -> str:
    return Path(on_host(stack, app_hosts(stack)[0], "readlink", str(CURRENT_SNAPSHOT)).strip()).name


def verify(stack: LabStack, *words: str) -> subprocess.CompletedProcess[str]:
    """The outsider's program, with this machine's own Python and none of the packages."""
    argv = ["/usr/bin/python3", "-m", "tools.verify_archive", url(stack), "--ca", str(stack.ca_file), *words]
    return subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, check=False)


def documented() -> str:
    """What docs/publishing.md tells the public to type."""
    page = (PROJECT / "docs/publishing.md").read_text(encoding="utf-8")
    return "\n".join(re.findall(r"^```sh\n(.*?)^```", page, re.DOTALL | re.MULTILINE))


def test_whoever_asks_the_edge_finds_every_publication_and_can_check_it(
    stack: LabStack, publish: Callable[[int], str], tmp_path: Path
) -> None:
    names: list[str] = []
    for number in range(1, TICKS + 1):
        assert "archive: " in publish(number)
        names.insert(0, shown(stack))
    entries = index(stack)
    assert [entry["nama"] for entry in entries[:TICKS]] == names
    assert entries[0]["perubahan_dari"] == names[1]
    assert entries[-1]["perubahan_dari"] is None

    checked = verify(stack)
    assert checked.returncode == 0, checked.stderr
    assert all(f"{entry['nama']}: " in checked.stdout for entry in entries)

    page = fetched(stack, "/ppwp/hitung-suara")[1].decode()
    assert '<a href="/arsip/indeks.json">' in page
    environment = {**os.environ, "SITE": url(stack), "CURL_CA_BUNDLE": str(stack.ca_file)}
    argv = ["bash", "-euxo", "pipefail", "-c", documented()]
    typed = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert typed.returncode == 0, typed.stderr
    assert typed.stdout.count('Good "tegak-snapshot" signature for release@tegak') == 2
    assert "bodies-0: OK" in typed.stdout


def altered(path: str) -> str:
    """A line of Python that changes a byte in a file's middle."""
    return f"b=bytearray(open({path!r},'rb').read());b[len(b)//2]^=1;open({path!r},'wb').write(b)"


def test_what_is_altered_on_the_edge_is_noticed_by_whoever_checks(
    stack: LabStack, publish: Callable[[int], str]
) -> None:
    publish(1)
    edge, newest = edge_of(stack), index(stack)[0]
    for what, says in (("manifes", "is not what the index says"), ("berkas", "is not what the index says")):
        path = f"{PUBLIC_ARCHIVE.parent}{newest[what]}"
        on_host(stack, edge, "python3", "-c", altered(path))
        try:
            checked = verify(stack, "--newest", "1")
            assert checked.returncode == 1
            assert says in checked.stderr
        finally:
            on_host(stack, edge, "python3", "-c", altered(path))
    # Whoever alters the index too can't sign.
    manifest = f"{PUBLIC_ARCHIVE.parent}{newest['manifes']}"
    swap = f"import json,hashlib;p={str(PUBLIC_ARCHIVE / 'indeks.json')!r};t=open(p).read();"
    swap += f"new=hashlib.sha256(open({manifest!r},'rb').read()).hexdigest();"
    on_host(stack, edge, "cp", "-p", str(PUBLIC_ARCHIVE / "indeks.json"), "/root/indeks.json")
    on_host(stack, edge, "python3", "-c", altered(manifest))
    on_host(stack, edge, "python3", "-c", f"{swap}open(p,'w').write(t.replace({newest['sha256']!r},new))")
    try:
        checked = verify(stack, "--newest", "1")
        assert checked.returncode == 1
        assert "is not the manifest of" in checked.stderr
    finally:
        on_host(stack, edge, "python3", "-c", altered(manifest))
        on_host(stack, edge, "mv", "/root/indeks.json", str(PUBLIC_ARCHIVE / "indeks.json"))
    assert verify(stack, "--newest", "1").returncode == 0


def test_an_edge_that_takes_nothing_keeps_no_results_from_the_public_and_gets_what_it_missed(
    stack: LabStack, publish: Callable[[int], str], tmp_path: Path
) -> None:
    publish(1)
    before = [entry["nama"] for entry in index(stack)]
    place = f"mount --bind {PUBLIC_ARCHIVE} {PUBLIC_ARCHIVE} && mount -o remount,bind,ro {PUBLIC_ARCHIVE}"
    missed: list[str] = []
    with on_host_until_left(stack, edge_of(stack).name, place, f"umount --lazy {PUBLIC_ARCHIVE}"):
        for number in (2, 3):
            source = source_of(tmp_path / str(number), stations=counted(number))
            result = stack.run("fab", "publish", "--stack", stack.name, "--source", str(source))
            assert result.code == 4, result.output
            assert "the results are published, but the archive on edge-1 lacks them" in result.output
            missed.insert(0, shown(stack))
        assert len({*missed, *before}) == len(missed) + len(before)
        assert [entry["nama"] for entry in index(stack)] == before
    lacks = f"archive: edge-1 lacks {missed[0]}; next: fab archive --stack {stack.name}"
    assert lacks in stack.fab("status")
    assert stack.fab("archive").count("archive: ") == len(missed)
    assert [entry["nama"] for entry in index(stack)] == [*missed, *before]
    assert stack.fab("archive").count("archive: ") == 0
    assert "archive: " not in stack.fab("status")
    assert verify(stack).returncode == 0


def test_what_is_too_old_is_gone_with_the_next_publication_and_the_rest_can_still_be_checked(
    stack: LabStack, publish: Callable[[int], str]
) -> None:
    publish(1)
    edge, old = edge_of(stack), index(stack)
    # As if all of it were of another year; and nothing newer is made of it.
    age = (
        f"import glob,json\nfor path in glob.glob('{PUBLIC_ARCHIVE}/*/entri.json'):\n"
        " said=json.load(open(path));said['dibuat']='2018'+said['dibuat'][4:];json.dump(said,open(path,'w'))"
    )
    on_host(stack, edge, "python3", "-c", age)
    on_host(stack, edge, "rm", "-rf", f"{PUBLIC_ARCHIVE}/{old[0]['nama']}")
    dist = PROJECT / "dist/snapshots" / old[0]["nama"]
    dist.rename(dist.with_name("away"))
    try:
        publish(2)
    finally:
        dist.with_name("away").rename(dist)
    left = index(stack)
    assert [entry["nama"] for entry in left] == [shown(stack)]
    assert left[0]["berkas"].endswith("/utuh.tar.gz")
    assert fetched(stack, old[-1]["manifes"])[0] == 404
    there = on_host(stack, edge, "ls", str(PUBLIC_ARCHIVE)).split()
    assert set(there) == {"allowed_signers", "indeks.json", shown(stack)}
    assert verify(stack).returncode == 0
