"""The archive of what was published, for the public, on an edge."""

import json
from collections.abc import Mapping

from infra.bridge.signers import SIGNER
from roles.on_host import program
from roles.scripts.artefacts import LONG_TIMEOUT_SECONDS
from roles.scripts.layout import ALLOWED_SIGNERS, PUBLIC_ARCHIVE
from roles.scripts.quoting import Script, command, script
from roles.scripts.snapshots import SNAPSHOT_NAMESPACE, Parcel


def list_archive() -> Script:
    """Print as JSON the names of the snapshots that are in it."""
    return _ask({"act": "list"})


def add_to_archive(parcel: Parcel, keep_days: int) -> Script:
    """Take a snapshot from standard input, as an app host would, and keep it as it comes.

    Args:
        parcel: What comes.
        keep_days: What is so much older than the newest is removed.
    """
    asked = {
        "act": "add",
        "name": parcel.name,
        "made_of": parcel.made_of,
        "size_bytes": parcel.size_bytes,
        "sha256": parcel.sha256,
        "signers": str(ALLOWED_SIGNERS),
        "signer": SIGNER,
        "namespace": SNAPSHOT_NAMESPACE,
        "keep_days": keep_days,
    }
    return _ask(asked)


def _ask(asked: Mapping[str, object]) -> Script:
    words = json.dumps({**asked, "folder": str(PUBLIC_ARCHIVE)})
    asking = command("python3", "-IS", "-c", program("archive_index", "public_archive"), words)
    return script(asking, timeout_seconds=LONG_TIMEOUT_SECONDS)
