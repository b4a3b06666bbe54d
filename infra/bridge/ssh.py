"""How ssh is told of files."""

from pathlib import Path


def path_word(path: Path) -> str:
    """A path as ssh's options take it: they part words at spaces, and read `%` as the start of a token of their own."""
    return f'"{str(path).replace("%", "%%")}"'


def private_half(public_file: str) -> str:
    """Where a key's private half is, by its public one, which ends in `.pub`."""
    return public_file.removesuffix(".pub")
