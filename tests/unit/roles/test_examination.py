"""The program that looks around on a host, over a temporary root: what was altered there is what it says."""

import hashlib
import io
import json
import os
import shutil
import struct
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from roles.artefacts.signing import read_artefact, sign
from roles.hosts.examination import Clock, Examination, Tree, ask_clock
from roles.on_host import program
from roles.scripts.artefacts import receive_release
from roles.scripts.examination import examination_request
from roles.scripts.quoting import Script
from tests.stands.ssh_keys import make_key

pytestmark = pytest.mark.thorough


RELEASE, OTHER, SNAPSHOT = "1.0.0-abc", "1.0.1-def", "20190706T164010Z-abc"
CODE = b"LIMIT = 10\n\n\ndef total(votes):\n    return sum(votes)\n"
FILES = {"release.json": b'{"release": "1.0.0-abc"}', "lib/app/count.py": CODE, "config/app/files.toml": b"\n"}
NIGHT = 1_555_600_000
RESULTS = {"keys": b"[1, 2]", "bodies-0": b"[3]"}


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = tmp_path_factory.mktemp("keys") / "release"
    make_key(key)
    return key


def write_tar(archive: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(archive, "w:gz", format=tarfile.USTAR_FORMAT) as packed:
        for file, body in files.items():
            member = tarfile.TarInfo(file)
            member.size, member.mtime = len(body), NIGHT
            packed.addfile(member, io.BytesIO(body))


@dataclass(frozen=True)
class Root:
    """A host's tree, where what is asked for is there and empty."""

    path: Path
    key: Path

    def write(self, path: str, body: str | bytes = b"") -> Path:
        file = self.path / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body if isinstance(body, bytes) else body.encode())
        return file

    def examine(self) -> Examination:
        kind, text, *_ = self.key.with_suffix(".pub").read_text().split()
        signers = f'release@tegak namespaces="tegak-release,tegak-snapshot" {kind} {text}'
        request = examination_request(signers, root=str(self.path)).decode()
        argv = ["python3", "-IS", "-c", program("signed_tree", "examine")]
        done = subprocess.run(argv, input=request, capture_output=True, text=True, check=True)
        return Examination.model_validate_json(done.stdout)

    def receive(self, name: str, files: dict[str, bytes], namespace: str, build: Callable[..., Script]) -> Path:
        """Build, sign and take an archive as a host does."""
        archive = self.path / f"{name}.tar.gz"
        write_tar(archive, files)
        sign(archive, self.key, namespace)
        text = build(read_artefact(name, archive, namespace, next_command="")).text
        text = text.replace("/srv/tegak", f"{self.path}/srv/tegak").replace("/etc/tegak", f"{self.path}/etc/tegak")
        with archive.open("rb") as packed:
            subprocess.run(["bash", "-c", text], stdin=packed, check=True)
        return self.path / "srv/tegak" / ("releases" if namespace == "tegak-release" else "snapshots") / name


@pytest.fixture
def root(tmp_path: Path, key: Path) -> Root:
    root = Root(tmp_path, key)
    for folder in ("etc", "proc/net", "var/lib/dpkg/info", "srv/tegak/snapshots", "srv/tegak/releases"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("etc/passwd", "etc/group", "etc/sudoers", "var/lib/dpkg/status"):
        root.write(file)
    kind, text, *_ = key.with_suffix(".pub").read_text().split()
    root.write("etc/tegak/allowed_signers", f'release@tegak namespaces="tegak-release,tegak-snapshot" {kind} {text}\n')
    return root


@pytest.fixture
def release(root: Root) -> Path:
    return root.receive(RELEASE, FILES, "tegak-release", receive_release)


@pytest.fixture
def snapshot(root: Root) -> Path:
    directory = root.path / "srv/tegak/snapshots" / SNAPSHOT
    directory.mkdir()
    for name, body in RESULTS.items():
        (directory / name).write_bytes(body)
    files = {name: hashlib.sha256(body).hexdigest() for name, body in RESULTS.items()}
    (directory / "snapshot.json").write_text(json.dumps({"snapshot": SNAPSHOT, "files": files}))
    sign(directory / "snapshot.json", root.key, "tegak-snapshot")
    (directory / "snapshot.json.sha256").unlink()
    (directory / ".complete").touch()
    (directory.parent / "current").symlink_to(directory)
    return directory


def tree(root: Root, name: str = RELEASE, what: str = "release") -> Tree:
    return root.examine().trees[what][name]


def replace_keeping_its_time(file: Path, body: bytes) -> None:
    stat = file.stat()
    file.write_bytes(body)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_what_was_received_is_as_it_was_signed(root: Root, release: Path, snapshot: Path) -> None:
    found = root.examine().trees
    assert (release / "lib/app/__pycache__").is_dir()
    assert found["release"] == {RELEASE: Tree(files=3)}
    assert found["snapshot"] == {SNAPSHOT: Tree(files=2)}
    assert snapshot.is_dir()


def test_a_digit_that_was_changed_in_place_is_seen(root: Root, snapshot: Path) -> None:
    replace_keeping_its_time(snapshot / "keys", b"[2, 1]")
    found = tree(root, SNAPSHOT, "snapshot")
    assert (found.altered, found.altered_files, found.strange) == (("keys",), 1, ())


def test_compiled_code_that_is_not_its_sources_is_seen(root: Root, release: Path) -> None:
    """Python runs what is compiled and doesn't look at the source, as long as its time and size are the same."""
    source, (compiled,) = release / "lib/app/count.py", (release / "lib/app/__pycache__").iterdir()
    shutil.copy2(source, kept := root.path / "kept.py")
    replace_keeping_its_time(source, CODE.replace(b"10", b"99"))
    subprocess.run(["python3", "-m", "compileall", "-q", "-f", str(source)], check=True)
    shutil.copy2(kept, source)
    assert compiled.stat().st_size
    assert tree(root).altered == ("lib/app/count.py",)


@pytest.mark.parametrize("body", [b"", b"nothing that was compiled"])
def test_a_spoilt_compiled_file_is_seen(root: Root, release: Path, body: bytes) -> None:
    (compiled,) = (release / "lib/app/__pycache__").iterdir()
    compiled.write_bytes(body)
    assert tree(root).altered == ("lib/app/count.py",)


def test_a_file_that_was_added_is_seen_by_its_folder(root: Root, release: Path) -> None:
    (release / "lib/app/more.py").write_text("evil = True\n")
    (release / "extra").mkdir()
    found = tree(root)
    assert (found.altered, set(found.strange)) == ((), {"lib/app", "."})


def test_a_file_that_is_gone_is_seen(root: Root, snapshot: Path) -> None:
    (snapshot / "bodies-0").unlink()
    found = tree(root, SNAPSHOT, "snapshot")
    assert (found.altered, found.strange) == (("bodies-0",), (".",))


def test_what_was_added_to_a_file_or_cut_off_is_seen(root: Root, snapshot: Path) -> None:
    (snapshot / "bodies-0").write_bytes(RESULTS["bodies-0"] + b" ")
    (snapshot / "keys").write_bytes(RESULTS["keys"][:-1])
    assert set(tree(root, SNAPSHOT, "snapshot").altered) == {"bodies-0", "keys"}


def test_a_link_to_the_same_words_is_no_file(root: Root, release: Path) -> None:
    file = release / "lib/app/count.py"
    file.rename(root.path / "elsewhere.py")
    file.symlink_to(root.path / "elsewhere.py")
    assert tree(root).altered == ("lib/app/count.py",)


def test_a_folder_that_was_replaced_by_a_link_is_seen(root: Root, release: Path) -> None:
    (release / "lib/app").rename(root.path / "elsewhere")
    (release / "lib/app").symlink_to(root.path / "elsewhere")
    assert tree(root).strange == ("lib",)


def test_an_archive_that_was_altered_with_its_files_says_nothing(root: Root, release: Path) -> None:
    write_tar(release / ".signed/archive.tar.gz", {**FILES, "lib/app/count.py": b"evil = True\n"})
    (release / "lib/app/count.py").write_bytes(b"evil = True\n")
    assert tree(root).unknown == "its archive has no valid signature of release@tegak for tegak-release"


def test_who_may_sign_is_not_asked_of_the_host(root: Root, release: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    make_key(foreign)
    root.write("etc/tegak/allowed_signers", f"release@tegak {foreign.with_suffix('.pub').read_text()}")
    archive = release / ".signed/archive.tar.gz"
    sign(archive, foreign, "tegak-release")
    archive.with_name("archive.tar.gz.sig").replace(archive.with_name("signature"))
    assert "no valid signature" in tree(root).unknown


def test_another_releases_signed_archive_says_nothing_of_this_one(root: Root, release: Path) -> None:
    other = root.receive(
        OTHER, {**FILES, "release.json": b'{"release": "1.0.1-def"}'}, "tegak-release", receive_release
    )
    for name in ("archive.tar.gz", "signature"):
        shutil.copy(other / ".signed" / name, release / ".signed" / name)
    found = root.examine().trees["release"]
    assert found[RELEASE].unknown == f"its archive is that of {OTHER}"
    assert found[OTHER] == Tree(files=3)


def test_a_release_without_its_signed_archive_is_unknown(root: Root, release: Path) -> None:
    shutil.rmtree(release / ".signed")
    assert tree(root).unknown == "the host does not keep its signed archive"


@pytest.mark.parametrize("name", ["snapshot.json", "snapshot.json.sig"])
def test_an_altered_manifest_says_nothing_of_its_files(root: Root, snapshot: Path, name: str) -> None:
    text = bytearray((snapshot / name).read_bytes())
    text[-9] ^= 1
    (snapshot / name).write_bytes(text)
    words = "its manifest has no valid signature of release@tegak for tegak-snapshot"
    assert tree(root, SNAPSHOT, "snapshot").unknown == words


def test_another_snapshots_manifest_says_nothing_of_this_one(root: Root, snapshot: Path) -> None:
    other = snapshot.rename(snapshot.with_name("20190706T164010Z-def"))
    (snapshot.parent / "current").unlink()
    (snapshot.parent / "current").symlink_to(other)
    assert tree(root, other.name, "snapshot").unknown == f"its manifest is that of {SNAPSHOT}"


def test_a_snapshot_without_its_signature_is_unknown(root: Root, snapshot: Path) -> None:
    (snapshot / "snapshot.json.sig").unlink()
    assert tree(root, SNAPSHOT, "snapshot").unknown == "the host does not keep its signed manifest"


def test_users_who_might_log_in_are_listed_and_no_others(root: Root) -> None:
    lines = [
        "root:x:0:0:root:/root:/bin/bash",
        "daemon:x:1:1::/usr/sbin:/usr/sbin/nologin",
        "www-data:x:33:33::/var/www:/bin/bash",
        "toor:x:0:0::/root:/usr/sbin/nologin",
        "siti:x:1000:1000::/home/siti:/usr/sbin/nologin",
        "nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin",
    ]
    root.write("etc/passwd", "\n".join(lines))
    assert [(user.name, user.uid) for user in root.examine().accounts] == [
        ("root", 0),
        ("www-data", 33),
        ("toor", 0),
        ("siti", 1000),
    ]


def test_members_of_powerful_groups_are_listed_also_where_it_is_their_first_one(root: Root) -> None:
    root.write("etc/passwd", "budi:x:1001:27::/home/budi:/bin/sh\n")
    root.write("etc/group", "sudo:x:27:siti\naudio:x:29:siti\ndocker:x:99:\n")
    assert root.examine().powerful == (("sudo", "siti"), ("sudo", "budi"))


def test_rules_of_sudo_are_listed_with_their_file(root: Root) -> None:
    root.write("etc/sudoers", "# Host alias\nDefaults env_reset\nroot ALL=(ALL) ALL\n#includedir /srv\n")
    root.write("etc/sudoers.d/90-siti", "siti ALL=(ALL) NOPASSWD: ALL\n")
    root.write("etc/sudoers.d/old.bak", "budi ALL=(ALL) ALL\n")
    assert root.examine().sudo_rules == (
        ("/etc/sudoers", "root ALL=(ALL) ALL"),
        ("/etc/sudoers", "#includedir /srv"),
        ("/etc/sudoers.d/90-siti", "siti ALL=(ALL) NOPASSWD: ALL"),
    )


def test_keys_of_every_user_are_listed(root: Root) -> None:
    root.write("etc/passwd", "root:x:0:0::/root:/bin/bash\ngames:x:5:60::/usr/games:/usr/sbin/nologin\n")
    root.write("root/.ssh/authorized_keys2", "ssh-ed25519 AAAA root\n")
    root.write("usr/games/.ssh/authorized_keys", '# note\ncommand="x y" ssh-rsa AAAB games\n')
    assert set(root.examine().keys) == {
        ("root", "/root/.ssh/authorized_keys2", "ssh-ed25519 AAAA root"),
        ("games", "/usr/games/.ssh/authorized_keys", 'command="x y" ssh-rsa AAAB games'),
    }


def test_sockets_that_wait_are_listed_with_the_programs_that_hold_them(root: Root) -> None:
    def word(address: str) -> str:
        return f"{struct.unpack('=I', bytes(map(int, address.split('.'))))[0]:08X}"

    def line(address: str, port: int, state: str, inode: int) -> str:
        return f"  0: {address}:{port:04X} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 0 0 {inode} 1"

    rows = [line("00000000", 80, "0A", 7), line(word("127.0.0.1"), 9, "01", 8)]
    root.write("proc/net/tcp", "\n".join(["header", *rows]))
    root.write("proc/net/udp6", "\n".join(["header", line("0" * 32, 53, "07", 9)]))
    (root.path / "proc/12/fd").mkdir(parents=True)
    (root.path / "proc/12/fd/3").symlink_to("socket:[7]")
    (root.path / "proc/12/exe").symlink_to("/usr/sbin/nginx (deleted)")
    assert [each.model_dump() for each in root.examine().listening] == [
        {"protocol": "tcp", "address": "0.0.0.0", "port": 80, "programs": ("/usr/sbin/nginx (deleted)",)},  # noqa: S104
        {"protocol": "udp", "address": "::", "port": 53, "programs": ()},
    ]


def test_units_of_no_package_and_those_enabled_by_hand_are_listed(root: Root) -> None:
    root.write("var/lib/dpkg/info/ssh.list", "/lib/systemd/system/ssh.service\n/lib/systemd/system/ssh.socket\n")
    for unit in ("ssh.service", "ssh.socket"):
        root.write(f"usr/lib/systemd/system/{unit}")
        root.write(f"var/lib/systemd/deb-systemd-helper-enabled/{unit}.dsh-also")
    root.write("var/lib/systemd/deb-systemd-helper-enabled/multi-user.target.wants/ssh.service")
    root.write("etc/systemd/system/evil.service")
    wants = root.path / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir()
    (wants / "ssh.service").symlink_to("/lib/systemd/system/ssh.service")
    (wants / "ssh.socket").symlink_to("/lib/systemd/system/ssh.socket")
    (wants / "evil.service").symlink_to("../evil.service")
    (root.path / "etc/systemd/system/fstrim.timer").symlink_to("/dev/null")
    root.write("usr/lib/systemd/system/hidden.timer")
    evil = "/etc/systemd/system/evil.service"
    found = root.examine().units
    assert found.foreign == (
        (evil, evil),
        ("/etc/systemd/system/multi-user.target.wants/evil.service", evil),
        ("/usr/lib/systemd/system/hidden.timer", "/usr/lib/systemd/system/hidden.timer"),
    )
    assert found.enabled == ("evil.service", "ssh.service", "ssh.socket")
    assert found.by_hand == ("ssh.socket",)


def a_package(root: Root) -> None:
    """A package with two files, as dpkg has it."""
    status = "Package: nginx\nStatus: install ok installed\nMaintainer: x\nArchitecture: amd64\nVersion: 1.22\n"
    root.write("var/lib/dpkg/status", f"{status}Description: x\n")
    bodies = {"usr/sbin/nginx": b"ELF", "usr/share/doc/nginx/README": b"read"}
    root.write("var/lib/dpkg/info/nginx.list", "".join(f"/{path}\n" for path in bodies))
    sums = {"usr/sbin/nginx": "5f3ee4df5ed4aeeef3da5cc9cdd5ecf6", "usr/share/doc/nginx/README": "0" * 32}
    root.write("usr/sbin/nginx", bodies["usr/sbin/nginx"])
    digest = subprocess.check_output(["md5sum", root.path / "usr/sbin/nginx"], text=True).split()[0]
    sums["usr/sbin/nginx"] = digest
    root.write("var/lib/dpkg/info/nginx.md5sums", "".join(f"{sum_}  {path}\n" for path, sum_ in sums.items()))


def test_a_program_that_differs_from_its_package_is_listed_and_a_missing_manual_is_not(root: Root) -> None:
    a_package(root)
    assert root.examine().altered == ()
    (root.path / "usr/sbin/nginx").write_bytes(b"EVL")
    assert [each.model_dump() for each in root.examine().altered] == [
        {"path": "/usr/sbin/nginx", "configuration": False, "missing": False}
    ]


def test_what_dpkg_believes_of_a_package_is_a_digest_by_version(root: Root) -> None:
    a_package(root)
    before = root.examine().packages
    sums = root.path / "var/lib/dpkg/info/nginx.md5sums"
    sums.write_text(sums.read_text().replace("0" * 32, "1" * 32))
    after = root.examine().packages
    assert list(before) == list(after) == ["nginx 1.22 amd64"]
    assert before != after


def test_what_can_not_be_looked_at_is_said(root: Root) -> None:
    root.write("etc/passwd", "half a line\n")
    found = root.examine()
    assert {"accounts", "keys"} <= set(found.unknown)
    assert "listening" not in found.unknown


def test_of_several_looks_at_a_clock_the_quickest_counts() -> None:
    times = iter([0.0, 4.0, 10.0, 10.2, 20.0, 22.0])
    there = iter([100.0, 15.1, 200.0])
    found = ask_clock(lambda: next(there), lambda: next(times))
    assert found == Clock(pytest.approx(5.0), pytest.approx(0.1))  # pyright: ignore[reportArgumentType]
