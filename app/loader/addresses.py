"""Where a source is: a directory, or the address of a PostgreSQL server, which never has a password in it."""

import os
import re
from pathlib import Path
from urllib.parse import unquote_plus

from app.loader.problems import Kind, refusal

SCHEMES = ("postgresql://", "postgres://")
_ANY_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:/", re.IGNORECASE)
_USER_AND_PASSWORD = re.compile(r":[^@]*@")
"""Wider than libpq reads it: a slash in a password that was not quoted doesn't hide it."""

_SECRET_OPTIONS = {"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"}


def is_address(source: str) -> bool:
    """Whether a source is an address, not a directory."""
    return _ANY_SCHEME.match(source) is not None


def check_address(source: str) -> None:
    """Refuse an address that is none of PostgreSQL's, or has a password in it; what is said doesn't repeat it.

    Raises:
        SourceError: It is refused.
    """
    scheme = next((scheme for scheme in SCHEMES if source.startswith(scheme)), None)
    if scheme is None:
        raise refusal(Kind.SOURCE, "the source", f"an address begins with {SCHEMES[0]}, in small letters")
    rest = source.removeprefix(scheme)
    options = {unquote_plus(option.partition("=")[0]).lower() for option in rest.partition("?")[2].split("&")}
    if _USER_AND_PASSWORD.search(rest) or options & _SECRET_OPTIONS:
        raise refusal(
            Kind.SOURCE,
            "the source",
            "its address has a password in it (or an @ after a colon), which lists of processes and the shell's "
            "history would show: put it into ~/.pgpass (or the file that PGPASSFILE names), or into a service file, "
            "and leave it out of the address",
        )


def absolute(source: str, directory: Path) -> str:
    """A source as it is named from anywhere; a link stays one: what it leads to may change from tick to tick.

    Args:
        source: An address, or a directory.
        directory: What a directory that is not absolute is in.
    """
    return source if is_address(source) else os.path.abspath(directory / source)  # noqa: PTH100  # `resolve` follows links


def short_name(source: str) -> str:
    """What a source is called in a sentence."""
    return source if is_address(source) else Path(source).name
