"""A pytest plugin: the files that wait longest come first, so that no worker is left alone with one at the end."""

import pytest

LONGEST_FIRST = (
    "test_aws_stack.py",
    "test_own_machines.py",
    "test_engine.py",
    "test_mixed_stack.py",
    "test_recording.py",
    "test_group_start.py",
    "test_group_hosts.py",
)
"""By `make test` on 2 cores, 26 November 2026: each of them took two minutes and more of a worker's time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))
