"""Where things are in the publication bucket: what provisioning lets others read, and tasks write."""

SITE_PREFIX = "site"
"""Below it stands each file and page of the last published snapshot, under its own public path."""

RELEASES_PREFIX = "releases"
SNAPSHOTS_PREFIX = "snapshots"
"""Below these stand the archives as built, each with its sha256 and its signature beside it."""
