"""The index of the public archive: what it says of a snapshot, and which of them are kept.

Used by the program that runs on an edge (public_archive.py, before which this stands), and by what fills a bucket.
"""

import datetime as dt
import hashlib
import json
from typing import Any

ROOT = "/arsip"
INDEX, SIGNERS = "indeks.json", "allowed_signers"
MANIFEST, SIGNATURE = "snapshot.json", "snapshot.json.sig"
WHOLE, CHANGES = "utuh.tar.gz", "perubahan.tar.gz"
"""All of a snapshot, or what it has otherwise than the one that it was made of: as hosts take it."""


def entry_of(manifest: bytes, made_of: "str | None", size_bytes: int, sha256: str) -> "dict[str, Any]":
    """What the index says of a snapshot, out of what is signed and of the file with it; its words are the public's.

    Args:
        manifest: What is signed.
        made_of: The snapshot that is needed beside the file; None if that has all of it.
        size_bytes: Of the file.
        sha256: Of the file.
    """
    said: dict[str, Any] = json.loads(manifest)
    correction: dict[str, str] = said.get("correction") or {}
    folder = f"{ROOT}/{said['snapshot']}"
    return {
        "nama": said["snapshot"],
        "data_per": said["as_of"],
        "dibuat": dt.datetime.fromtimestamp(said["modified"], dt.UTC).isoformat(),
        "koreksi": correction.get("reason"),
        "sha256": hashlib.sha256(manifest).hexdigest(),
        "manifes": f"{folder}/{MANIFEST}",
        "tanda_tangan": f"{folder}/{SIGNATURE}",
        "berkas": f"{folder}/{CHANGES if made_of else WHOLE}",
        "berkas_sha256": sha256,
        "berkas_ukuran": size_bytes,
        "perubahan_dari": made_of,
    }


def kept(entries: "list[dict[str, Any]]", days: int) -> "list[dict[str, Any]]":
    """Those that are kept, newest first: of so many days before the newest, and what these are made of.

    A snapshot is younger than the one that it was made of.
    """
    ordered = sorted(entries, key=lambda entry: (entry["dibuat"], entry["nama"]), reverse=True)
    found: list[dict[str, Any]] = []
    needed: set[str] = set()
    for entry in ordered:
        age = dt.datetime.fromisoformat(ordered[0]["dibuat"]) - dt.datetime.fromisoformat(entry["dibuat"])
        if age <= dt.timedelta(days=days) or entry["nama"] in needed:
            found.append(entry)
            needed.add(entry["perubahan_dari"])
    return found


def index_of(entries: "list[dict[str, Any]]") -> bytes:
    """The index's text: a line for each snapshot, so that it can be read without any tool."""
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    return f'{{"arsip": [\n{lines}\n]}}\n'.encode()


def read_index(text: bytes) -> "list[dict[str, Any]]":
    """What an index lists."""
    found: list[dict[str, Any]] = json.loads(text)["arsip"]
    return found
