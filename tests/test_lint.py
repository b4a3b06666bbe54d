"""The code looks as it must: what `make lint` says."""

import pytest

from tools.lint import CHECKS, check


@pytest.mark.parametrize("name", CHECKS)
def test_lint_finds_nothing(name: str) -> None:
    done = check(name)
    assert done.returncode == 0, done.stdout + done.stderr
