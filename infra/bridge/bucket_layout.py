"""Where things are in the publication bucket: what provisioning lets others read, and tasks write."""

SITE_PREFIX = "site"
"""Below it stands each file and page of the last published snapshot, under its own public path."""

ARCHIVE_PREFIX = "arsip"
"""Below it stands every publication, for whoever wants to check it, under its own public path. Not below the site: who
reads that is counted, since it means that no location answers."""

RELEASES_PREFIX = "releases"
SNAPSHOTS_PREFIX = "snapshots"
"""Below these stand the archives as built, each with its sha256 and its signature beside it."""

HOSTS_PREFIX = "hosts"
"""Below it stands what is for the hosts of one location alone, under the location's name."""


def start_key(location: str) -> str:
    """Where the hosts of a location find what they start with."""
    return f"{HOSTS_PREFIX}/{location}/start.json"
