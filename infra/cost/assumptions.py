"""What the settings don't say and the estimate has to take from somewhere: what the program makes, and how it is used.

None of it decides the bill of a national night: answers, requests and the firewall's look at each are nine tenths of it
and more. Figures that the program decides stand beside the module that does.
"""

MONTH_HOURS = 730
"""AWS's own mean month."""

# What the program makes for each location.
LEAD_HOURS = 0.5
"""Hosts and reserved units are there so long before the night (infra/aws/location/night.py)."""
EXPORTED_CERTIFICATE_DAYS = 100
"""The longest that a public certificate is valid from March 2027 on; 200 days before, 47 from March 2029 on:
https://cabforum.org/2025/04/11/ballot-sc081v3-introduce-schedule-of-reducing-validity-and-data-reuse-periods/."""

INTERFACE_ENDPOINTS = 4
"""In each zone (infra/aws/location/endpoints.py)."""
DISK_GB = 20
"""For each host (infra/aws/location/template.py)."""
LOCATION_ALARMS = 9
"""Figures that alarms watch, as they are paid (infra/aws/location/alarms.py)."""

# What it makes once.
FIREWALL_RULES = 4
"""infra/aws/cdn/firewall.py"""
CDN_ALARMS = 6
"""In Virginia (infra/aws/cdn/alarms.py)."""
CDN_METRICS, BUCKET_METRICS = 8, 16
"""The CDN's additional figures, and those of requests to what it falls back to (infra/aws/cdn/alarms.py)."""
LOG_MONTHS = 3
"""Access logs are kept for 90 days (infra/aws/account/logs.py)."""

# How it is used.
PUBLICATIONS_PER_HOUR = 4
"""The count came in steps of a quarter of an hour in 2019."""
ARCHIVE_OBJECTS, ARCHIVE_GB = 2, 0.06
"""An archive and its signature, which hosts fetch: the whole nation's has 53 MB (docs/benchmarks.md)."""
PUBLIC_ARCHIVE_OBJECTS, PUBLIC_ARCHIVE_GB = 5, 0.0032
"""What each publication adds to the archive that the public checks, its index and signers included: the mean of a
whole count (docs/benchmarks.md)."""
SITE_FILES, SITE_FILE_GB = 32_000, 4.2e-6
"""What the CDN falls back to, each file and page down to the kecamatan an object (docs/benchmarks.md)."""
CHANGED_PART = 0.07
"""Of these, what differs from one publication to the next; only that is written anew (docs/benchmarks.md)."""
KEPT_GB = 50
"""Releases and snapshots, kept by object lock; once here and once in the replica's region."""
CDN_LOG_BYTES = 150
"""A line of the CDN's log, packed."""
FIREWALL_LOG_PART, FIREWALL_LOG_BYTES = 1e-4, 1500
"""Requests that meet a rule, and what is noted of each. In an attack it is more."""
HOST_LOG_GB_PER_DAY = 0.2
TRAIL_EVENTS = 10_000
"""Releases and snapshots that are put into the bucket or taken out, in a month; the audit trail notes them."""
QUERIES_PER_VIEWER = 1
"""Browsers ask for a kind of DNS record (HTTPS) that has no alias and is paid; resolvers keep the answers."""
