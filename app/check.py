"""`python -m app.check`: hold the current results against what was signed, and say so where they were altered.

A systemd timer runs it on each app host (templates/app). The chain begins with the signature of the manifest, which has
the digest of each file. What it finds stands in a mark, which makes the service's health check fail: the load
balancer takes the host out of its pool, and back once its results are right again.
"""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.layout import MANIFEST, MANIFEST_SIGNATURE
from app.snapshot import COMPLETE

SIGNER, NAMESPACE = "release@tegak", "tegak-snapshot"
ALTERED = 1
"""The exit code where something was: the unit's failure is in the journal, and in `systemctl --failed`."""


class AlteredError(Exception):
    """The results are not those that were signed."""


@dataclass(frozen=True)
class CheckSettings:
    """What is checked.

    Args:
        snapshot_dir: The link to the current snapshot.
        signers: Who may sign, an allowed_signers file.
        mark: The file that says what is wrong; it is there only while something is.
    """

    snapshot_dir: Path
    signers: Path
    mark: Path


def check(settings: CheckSettings) -> str | None:
    """Look at the current results, and write or remove the mark.

    Returns:
        What is wrong; None if nothing is, or there are no results.
    """
    directory = settings.snapshot_dir.resolve()
    if not (directory / COMPLETE).exists():
        settings.mark.unlink(missing_ok=True)
        return None
    try:
        _compare(directory, _signed_manifest(directory, settings.signers))
    except AlteredError as error:
        if settings.snapshot_dir.resolve() != directory or not (directory / COMPLETE).exists():
            return None  # it went while it was looked at: what is there instead is looked at the next time
        found = f"{directory.name}: {error}"
        new = settings.mark.with_suffix(".new")
        new.write_text(found, encoding="utf-8")
        new.replace(settings.mark)
        return found
    settings.mark.unlink(missing_ok=True)
    return None


def altered(mark: Path, snapshot: str) -> str | None:
    """What the last check found wrong of a snapshot; None if nothing, or it was of another one."""
    try:
        name, _, found = mark.read_text(encoding="utf-8").partition(": ")
    except FileNotFoundError:
        return None
    return found if name == snapshot else None


def _signed_manifest(directory: Path, signers: Path) -> dict[str, Any]:
    signature = directory / MANIFEST_SIGNATURE
    argv = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", SIGNER, "-n", NAMESPACE, "-s", str(signature)]
    try:
        text = (directory / MANIFEST).read_bytes()  # once: what is verified is what is used
        if subprocess.run(argv, input=text, capture_output=True, check=False).returncode != 0:
            raise AlteredError(f"{MANIFEST} has no valid signature of {SIGNER} for {NAMESPACE}")
        manifest: dict[str, Any] = json.loads(text)
    except (OSError, ValueError) as error:
        raise AlteredError(f"{MANIFEST} can't be read ({error})") from error
    if manifest.get("snapshot") != directory.name:
        raise AlteredError(f"{MANIFEST} is that of {manifest.get('snapshot')}")
    return manifest


def _compare(directory: Path, manifest: dict[str, Any]) -> None:
    for name, sha256 in manifest["files"].items():
        try:
            with (directory / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise AlteredError(f"{name} can't be read ({error.strerror})") from error
        if found != sha256:
            raise AlteredError(f"{name} is not as it was signed")


def main() -> int:
    """Check once; return the exit code."""
    found = check(
        CheckSettings(
            snapshot_dir=Path(os.environ["TEGAK_SNAPSHOT_DIR"]),
            signers=Path(os.environ["TEGAK_SIGNERS"]),
            mark=Path(os.environ["TEGAK_ALTERED"]),
        )
    )
    if found:
        sys.stderr.write(f"altered results: {found}\n")
    return ALTERED if found else 0


if __name__ == "__main__":
    sys.exit(main())
