"""Check the public archive of a results site from outside: `python3 -m tools.verify_archive https://SITE`.

It needs this checkout, Python and ssh-keygen; no account, no key of ours and no package. Each publication, the oldest
first, is taken by the very program with which the site's hosts take it (roles/on_host/receive_snapshot.py): nothing
counts but what fits the digests of a manifest that who may sign it has signed.
"""

import argparse
import hashlib
import json
import re
import ssl
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.addresses import ARCHIVE_INDEX, ARCHIVED
from roles.on_host import program

SIGNER, NAMESPACE = "release@tegak", "tegak-snapshot"
SIGNERS = "/arsip/allowed_signers"
WAIT_SECONDS = 60

Entry = Mapping[str, Any]


class NotAsSignedError(Exception):
    """What is there is not what was signed; the message says what."""


@dataclass(frozen=True)
class Site:
    """A results site, as anybody reaches it.

    Args:
        url: Its address.
        authority: A file of certificates to believe beside the system's; None for none.
    """

    url: str
    authority: str | None = None

    def get(self, address: str) -> bytes:
        """What it has at an address of its archive.

        Raises:
            NotAsSignedError: It is no such address, or nothing is there.
        """
        if not re.fullmatch(ARCHIVED, address):
            raise NotAsSignedError(f"the index leads to {address!r}, which is no address of the archive")
        context = ssl.create_default_context(cafile=self.authority)
        try:
            with urllib.request.urlopen(f"{self.url}{address}", timeout=WAIT_SECONDS, context=context) as answer:  # noqa: S310  # what was typed
                return bytes(answer.read())
        except OSError as error:
            raise NotAsSignedError(f"{address}: {error}") from error


def check(site: Site, entry: Entry, signers: Path, work: Path) -> int:
    """Check a publication; how many files it has.

    Args:
        site: Where it is.
        entry: What the index says of it.
        signers: Who may sign, an allowed_signers file.
        work: Where the one that it was made of has been put together, and it will be.

    Raises:
        NotAsSignedError: It is not what was signed.
    """
    manifest, signature, body = (site.get(entry[what]) for what in ("manifes", "tanda_tangan", "berkas"))
    for what, content, sha256 in (("manifes", manifest, "sha256"), ("berkas", body, "berkas_sha256")):
        if hashlib.sha256(content).hexdigest() != entry[sha256]:
            raise NotAsSignedError(f"{entry[what]} is not what the index says")
    asked = {
        "name": entry["nama"],
        "snapshots": str(work),
        "signers": str(signers),
        "signer": SIGNER,
        "namespace": NAMESPACE,
        "needs_bytes": 0,
        "part": None,
    }
    argv = [sys.executable, "-IS", "-c", program("receive_snapshot"), json.dumps(asked)]
    done = subprocess.run(argv, input=body, capture_output=True, check=False)
    if done.returncode != 0:
        raise NotAsSignedError(done.stderr.decode(errors="replace").strip())
    made = work / entry["nama"]
    if (made / "snapshot.json").read_bytes() != manifest or (made / "snapshot.json.sig").read_bytes() != signature:
        raise NotAsSignedError(f"{entry['manifes']} is not the manifest of {entry['berkas']}")
    return len(json.loads(manifest)["files"])


def newest(entries: Sequence[Entry], count: int | None) -> list[Entry]:
    """So many of the newest, and what these are made of, the oldest first; None for all."""
    wanted = {entry["nama"] for entry in entries[:count]}
    found: list[Entry] = []
    for entry in entries:
        if entry["nama"] in wanted:
            found.append(entry)
            wanted.add(entry["perubahan_dari"])
    return found[::-1]


def verify(site: Site, signers: Path | None, count: int | None) -> None:
    """Check the archive, and say of each publication what it is.

    Raises:
        NotAsSignedError: Something is not what was signed.
    """
    entries = json.loads(site.get(ARCHIVE_INDEX))["arsip"]
    with tempfile.TemporaryDirectory(prefix="arsip-") as directory:
        work = Path(directory)
        if signers is None:
            signers = work / "allowed_signers"
            signers.write_bytes(site.get(SIGNERS))
            print(f"who may sign is what the site itself says; compare it: {signers.read_text().strip()}")
        for entry in newest(entries, count):
            files = check(site, entry, signers, work)
            correction = f"; koreksi: {entry['koreksi']}" if entry["koreksi"] else ""
            print(f"{entry['nama']}: {files} files as signed, data per {entry['data_per']}{correction}", flush=True)
    print(f"{len(entries)} publications are listed")


def main(arguments: Sequence[str] | None = None) -> int:
    """Check it; return the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.verify_archive", description="Check a public archive.")
    parser.add_argument("url", help="the site's address")
    parser.add_argument("--newest", type=int, help="so many of the newest, and what they are made of; default: all")
    parser.add_argument("--signers", type=Path, help="who may sign, an allowed_signers file; default: the site's own")
    parser.add_argument("--ca", help="a file of certificates to believe beside the system's")
    asked = parser.parse_args(arguments)
    try:
        verify(Site(asked.url.rstrip("/"), asked.ca), asked.signers, asked.newest)
    except (NotAsSignedError, ValueError, LookupError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
