"""Where things are on a host."""

from pathlib import PurePosixPath

ROOT = PurePosixPath("/srv/tegak")
INCOMING = ROOT / "incoming"
RELEASES = ROOT / "releases"
CURRENT_RELEASE = ROOT / "current"
SNAPSHOTS = ROOT / "snapshots"
CURRENT_SNAPSHOT = SNAPSHOTS / "current"
SHOWN = ROOT / "shown"
"""Of an edge: a link that leads nowhere, whose text is the name of the snapshot that it asks hosts for."""

PUBLIC_ARCHIVE = ROOT / "arsip"
"""Of an edge: every publication, under the address that the public has it at."""

DISCARDED = ROOT / "discarded"
"""What a host had that was found altered: for whoever looks into it, and used by nothing."""

COMPLETE = ".complete"
SIGNED = ".signed"
"""In a release or snapshot: the folder with the archive that it came in, as `archive.tar.gz`, and its `signature`."""

ALLOWED_SIGNERS = PurePosixPath("/etc/tegak/allowed_signers")
SERVICE = "tegak-results.service"
EDGE_CERTIFICATE = PurePosixPath("/etc/tegak/tls/edge.crt")
ORIGIN_CERTIFICATE = PurePosixPath("/etc/tegak/tls/origin.crt")
"""Of a load balancer that a CDN asks; `roles.scripts.certificate` places it with its key."""

ORIGIN_NAMES = PurePosixPath("/etc/tegak/origin/names")
ORIGIN_SECRET = PurePosixPath("/etc/tegak/origin/secret")
"""What such a load balancer answers to: the name that the CDN asks, and what its header must say."""

HAPROXY_SOCKET = PurePosixPath("/run/haproxy/admin.sock")
HAPROXY_STATE = PurePosixPath("/var/lib/haproxy/server-state")
APP_HOSTS = "results"
"""The backend of a load balancer: a server in it is named after its app host."""

LOCATIONS = "locations"
"""The backend of an edge: a server in it is named after its location."""

FAILED_ANSWERS = PurePosixPath("/var/log/nginx/failed.log")
"""A line for each answer of status 5xx of an app host: when, status, seconds."""

ALTERED = PurePosixPath("/run/tegak-check/altered")
"""What is wrong with the results of an app host; there only while something is (see `app.check`)."""

OWN = PurePosixPath("/var/lib/tegak")
LOCK = OWN / "lock.json"
LOCK_TOKEN = OWN / "lock.token"
LOCK_MUTEX = OWN / "lock.mutex"
"""Held shared by every step that changes something, and alone by who takes the lock."""

LOG = OWN / "audit.jsonl"
DECISIVE = OWN / "decisive.json"
"""The audit log, and in short what is decisive in it (see `roles.on_host.log`)."""

ROLLOUTS = OWN / "rollouts"
"""A directory for each rollout that is under way: what the host had before it."""

PENDING = OWN / "pending"
"""A mark for each file that is in place while what it asks for has not been done yet: it counts as different."""

MANAGED = OWN / "managed"
"""The files that were placed here: one that is not wanted any more is removed."""
