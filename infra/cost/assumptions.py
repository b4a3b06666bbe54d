"""What the settings don't say and the estimate has to take from somewhere: what the program makes, and how it is used.

None of it decides the bill of a night: answers, requests and the firewall's look at each are 95 % of it and more.
"""

MONTH_HOURS = 730
"""AWS's own mean month."""

# What the program makes for each location (infra/aws/location.py).
INTERFACE_ENDPOINTS = 4
"""ssm, ssmmessages, ec2messages and logs; in each zone."""
DISK_GB = 20
LOCATION_ALARMS = 6

# What it makes once (infra/aws/account.py, infra/aws/cdn.py).
FIREWALL_RULES = 5
CDN_ALARMS = 4

# How it is used.
PUBLICATIONS_PER_HOUR = 4
"""The count came in steps of a quarter of an hour in 2019."""
PUBLISHED_OBJECTS = 2
"""An archive and its signature."""
PUBLISHED_GB = 0.06
"""The whole nation's snapshot has 53 MB (docs/benchmarks.md)."""
KEPT_GB = 50
"""Releases and snapshots, kept by object lock; once here and once in the replica's region."""
CDN_LOG_BYTES = 150
"""A line of the CDN's log, packed."""
HOST_LOG_GB_PER_DAY = 0.2
TRAIL_EVENTS = 100_000
"""Reads and writes of the publication bucket in a month, which the audit trail notes."""
QUERIES_PER_VIEWER = 1
"""Browsers ask for a kind of DNS record (HTTPS) that has no alias and is paid; resolvers keep the answers."""
