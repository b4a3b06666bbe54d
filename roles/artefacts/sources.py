"""What an operator names as the source of results."""

from pathlib import Path

from app.loader.addresses import absolute, check_address, is_address
from app.loader.problems import SourceError
from infra.bridge.errors import OperatorError


def source_at(project: Path, source: str) -> str:
    """A source as the loader is told of it, in a process of its own: without a password, or it would be seen there.

    Args:
        project: What a directory that is not absolute is in.
        source: A directory, or an address of PostgreSQL.

    Raises:
        OperatorError: The address has a password in it, or is none of PostgreSQL's.
    """
    if is_address(source):
        try:
            check_address(source)
        except SourceError as error:
            raise OperatorError(f"{error}; nothing was published", next_command="$EDITOR ~/.pgpass") from error
    return absolute(source, project)
