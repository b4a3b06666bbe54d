"""Building and signing what is deployed: the results service with all its dependencies, the same bytes each time."""

import base64
import gzip
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app import __version__
from app.pack import READS
from infra.bridge.errors import OperatorError
from infra.bridge.files import write_whole
from infra.bridge.signers import read_signers
from roles.artefacts.files import RELEASED_ROLES, Templates
from roles.artefacts.signing import check_signature, read_artefact, sha256_beside, sign, signature_beside
from roles.scripts.artefacts import CONFIG, Artefact
from roles.stack.checkout import Checkout

PREFIX = "tegak-results-"
SUFFIX = ".tar.gz"
RELEASE_NAMESPACE = "tegak-release"
HOST_PYTHON = "3.11"
"""Debian 12's: what the artefact is made for, whatever Python the operator has."""

MANIFEST = "release.json"
FIRST_READS = (1,)
"""What a release reads that doesn't say so: there was one format."""

VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,39}")
"""It becomes part of names of files and directories."""

LEFT_OUT = {"__pycache__", "bin", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
NATIVE = {".so", ".pyd", ".c"}
"""MarkupSafe has a pure form beside its native one; without the native one, the artefact runs on any processor."""


@dataclass(frozen=True)
class Release:
    """A built and signed release.

    Args:
        name: Version and digest of its content: two builds of the same content have the same name.
        path: The archive; its signature and sha256 are beside it.
    """

    name: str
    path: Path

    @classmethod
    def of(cls, checkout: Checkout, name: str) -> "Release":
        """The release of a name; its archive is in dist/, or belongs there."""
        return cls(name, checkout.dist / f"{PREFIX}{name}{SUFFIX}")

    def artefact(self) -> Artefact:
        """What a host needs to know to take it.

        Raises:
            OperatorError: A part of it is missing.
        """
        return read_artefact(self.name, self.path, RELEASE_NAMESPACE, next_command="fab build")

    def is_there(self, signers: str) -> bool:
        """Whether it is built already, whole and signed by somebody who may.

        Args:
            signers: Who may sign releases.
        """
        try:
            self.templates(signers)
        except OperatorError:
            return False
        return True

    def templates(self, signers: str) -> Templates:
        """The templates that it carries.

        Args:
            signers: Who may sign releases: what isn't theirs decides nothing, here or on a host.

        Raises:
            OperatorError: It was changed after it was signed, or nobody who may signed it.
        """
        check_signature(self.artefact(), self.path, signers)
        with tarfile.open(self.path) as packed:
            return unpack_templates(packed, self.name)


def unpack_templates(packed: tarfile.TarFile, release: str) -> Templates:
    """Read the templates out of a release.

    Args:
        packed: It.
        release: Its name.

    Raises:
        OperatorError: It is another release, or what it has is no text.
    """
    texts: dict[str, str] = {}
    for member in packed:
        wanted = member.name == MANIFEST or member.name.startswith(f"{CONFIG}/")
        file = packed.extractfile(member) if wanted else None
        if file is not None:
            texts[member.name] = _text(file.read(), f"{member.name} in release {release}")
    said = json.loads(texts.pop(MANIFEST, "{}"))
    if said.get("release") != release:
        raise OperatorError(f"what is said to be release {release} is {said.get('release')}", next_command="fab build")
    of_release = {path.removeprefix(f"{CONFIG}/"): text for path, text in texts.items()}
    return Templates(of_release, f"release {release}", tuple(said.get("reads", FIRST_READS)))


def kept_templates(name: str, printed: str, signers: str) -> Templates:
    """The templates of a release that a host keeps, as signed: what is unpacked there could be anybody's.

    Args:
        name: The release.
        printed: What the host printed (`roles.scripts.artefacts.read_signed`).
        signers: Who may sign releases.

    Raises:
        OperatorError: It is not signed by who may, or another release.
    """
    try:
        archive, signature = map(base64.b64decode, printed.split())
    except ValueError as error:
        raise OperatorError(f"what the host keeps of release {name} is no archive", next_command="fab drift") from error
    with tempfile.TemporaryDirectory() as directory:
        release = Release(name, Path(directory) / f"{PREFIX}{name}{SUFFIX}")
        release.path.write_bytes(archive)
        signature_beside(release.path).write_bytes(signature)
        sha256_beside(release.path).write_text(hashlib.sha256(archive).hexdigest(), encoding="ascii")
        return release.templates(signers)


def _text(body: bytes, what: str) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise OperatorError(f"{what} is not UTF-8; no host was changed", next_command="fab build") from error


def build_release(checkout: Checkout, version: str | None = None) -> Release:
    """Build the release of this checkout and sign it.

    Args:
        checkout: Where the service and the key are.
        version: Instead of the service's own.

    Raises:
        OperatorError: The dependencies can't be installed, the disk is full, or the key is missing.
    """
    version = version or __version__
    if not VERSION.fullmatch(version):
        raise OperatorError(f"'{version}' is no version: letters, digits, dots and dashes only, 40 at most")
    dependencies = _ensure_dependencies(checkout)
    directory = checkout.project / "templates"
    templates = (file for role in RELEASED_ROLES for file in _files(directory / role, f"{CONFIG}/{role}"))
    files = dict(sorted((*_files(dependencies, "lib"), *_files(checkout.project / "app", "lib/app"), *templates)))
    content = hashlib.sha256()
    for name, body in files.items():
        content.update(f"{name}\0{len(body)}\0".encode() + body)
    name = f"{version}-{hashlib.sha256(version.encode() + content.digest()).hexdigest()[:10]}"
    manifest = json.dumps({"release": name, "version": version, "python": HOST_PYTHON, "reads": READS})
    release = Release.of(checkout, name)
    if not release.is_there(read_signers(checkout.release_key.with_suffix(".pub"))):
        write_whole(release.path, _pack({MANIFEST: manifest.encode(), **files}))
        sign(release.path, checkout.release_key, RELEASE_NAMESPACE)
    return release


def find_release(checkout: Checkout, name: str) -> Release:
    """The built release of a name.

    Raises:
        OperatorError: It isn't in dist/; the message has the names that are.
    """
    release = Release.of(checkout, name)
    if not release.path.exists():
        built = sorted(
            file.name.removeprefix(PREFIX).removesuffix(SUFFIX) for file in checkout.dist.glob(f"{PREFIX}*{SUFFIX}")
        )
        raise OperatorError(
            f"release {name} is not built; in dist/ there are: {', '.join(built) or 'none'}", next_command="fab build"
        )
    return release


def _ensure_dependencies(checkout: Checkout) -> Path:
    lock = checkout.project / "app/requirements.lock"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:10]
    target = checkout.cache / f"dependencies-{digest}"
    if target.exists():
        return target
    checkout.cache.mkdir(parents=True, exist_ok=True)
    # A directory of this build's own: two builds at once both succeed, and the first one's is kept.
    with tempfile.TemporaryDirectory(prefix=f"{target.name}.", dir=checkout.cache) as directory:
        half_made = Path(directory) / "lib"
        _install_dependencies(lock, half_made)
        try:
            half_made.rename(target)
        except OSError:
            if not target.exists():
                raise
    return target


def _install_dependencies(lock: Path, target: Path) -> None:
    argv = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    argv += ["--no-deps", "--require-hashes", "--only-binary=:all:", "--python-version", HOST_PYTHON]
    argv += ["--implementation", "cp", "--platform", "manylinux2014_x86_64"]
    argv += ["--target", str(target), "-r", str(lock)]
    result = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if result.returncode != 0:
        words = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise OperatorError(
            f"the service's dependencies can't be installed (is the package registry reachable?): {words}",
            next_command="fab build",
        )


def _files(directory: Path, prefix: str) -> Iterator[tuple[str, bytes]]:
    for path in directory.rglob("*"):
        relative = path.relative_to(directory)
        if path.is_file() and path.suffix not in NATIVE and not LEFT_OUT.intersection(relative.parts):
            yield f"{prefix}/{relative}", path.read_bytes()


def _pack(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with (
        gzip.GzipFile("", "wb", 9, buffer, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, body in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return buffer.getvalue()
