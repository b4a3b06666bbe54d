"""The benchmarks' own lab stack: its name, and its settings."""

from collections.abc import Iterable

STACK = "uji-ukur"
SETTINGS = """config:
  tegak:network: 198.18.64.0/20
  tegak:server_name: hasil.uji.test
  tegak:operator_key_file: .secrets/operator.pub
  tegak:locations:
"""
LOCATION = "    - {{name: {name}, kind: lab, network: {number}, app_hosts: {app_hosts}}}\n"
NAMES = ("barat", "timur", "utara")


def settings(app_hosts: Iterable[int]) -> str:
    """The settings of a stack with so many app hosts in each location."""
    return SETTINGS + "".join(
        LOCATION.format(name=name, number=number, app_hosts=count)
        for number, (name, count) in enumerate(zip(NAMES, app_hosts, strict=False), start=1)
    )
