"""The settings of the benchmarks' own lab stack."""

from collections.abc import Iterable

from tests.stands.lab import lab_settings

NAMES = ("barat", "timur", "utara")


def settings(app_hosts: Iterable[int]) -> str:
    """The settings of a stack with so many app hosts in each location."""
    locations = (
        f"{{name: {name}, kind: lab, network: {number}, app_hosts: {count}}}"
        for number, (name, count) in enumerate(zip(NAMES, app_hosts, strict=False), start=1)
    )
    return lab_settings(*locations)
