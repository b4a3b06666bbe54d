"""Where things are on a host."""

from pathlib import PurePosixPath

ROOT = PurePosixPath("/srv/tegak")
INCOMING = ROOT / "incoming"
RELEASES = ROOT / "releases"
CURRENT_RELEASE = ROOT / "current"
HISTORY = RELEASES / "history.jsonl"
SNAPSHOTS = ROOT / "snapshots"
CURRENT_SNAPSHOT = SNAPSHOTS / "current"
COMPLETE = ".complete"
ALLOWED_SIGNERS = PurePosixPath("/etc/tegak/allowed_signers")
SIGNER = "release@tegak"
SERVICE = "tegak-results.service"
HAPROXY_SOCKET = PurePosixPath("/run/haproxy/admin.sock")
BACKEND = "results"
