"""Checkouts that set-up is tried in."""

from pathlib import Path


def bare_checkout(directory: Path) -> Path:
    """A checkout whose lock file names nothing, so that no registry is asked; its folder's name isn't the easiest.

    Args:
        directory: Where it is made.
    """
    project = directory / "zür (o'neil) 1"
    project.mkdir()
    (project / "requirements.lock").write_text("")
    return project
