"""What a snapshot's manifest says of its results, and whether they would turn the public's numbers back."""

import base64
import datetime as dt
import hashlib
import tempfile
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from infra.bridge.errors import OperatorError
from roles.artefacts.signing import check_signature
from roles.scripts.artefacts import Artefact
from roles.scripts.snapshots import SNAPSHOT_NAMESPACE


class Facts(BaseModel):
    """What the manifest says.

    Args:
        snapshot: The snapshot's name.
        format: Which readers can read it (app/pack.py).
        as_of: The time that it shows.
        modified: When it was built, in unix seconds.
        content: The digest of what its documents say, whenever they were made.
        tps_entered: How many polling stations have figures.
        votes: The votes of each candidate.
        files: The digest of each of its files.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    snapshot: str
    format: int = 1
    as_of: dt.datetime
    modified: int
    content: str
    tps_entered: int
    votes: tuple[int, ...]
    files: dict[str, str] = {}


def kept_facts(name: str, printed: str, signers: str) -> Facts:
    """What the manifest says of a snapshot that a host keeps, as signed.

    Args:
        name: The snapshot.
        printed: What the host printed (`roles.scripts.snapshots.read_manifest`).
        signers: Who may sign snapshots.

    Raises:
        OperatorError: It is not signed by who may, or of another snapshot.
    """
    try:
        manifest, signature = map(base64.b64decode, printed.split())
        text = signature.decode("ascii")
    except ValueError as error:
        raise OperatorError(f"what the host keeps of {name} is no manifest", next_command="fab drift") from error
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / f"the manifest of {name}"
        path.write_bytes(manifest)
        sha256 = hashlib.sha256(manifest).hexdigest()
        check_signature(Artefact(name, len(manifest), sha256, text, SNAPSHOT_NAMESPACE), path, signers)
    try:
        facts = Facts.model_validate_json(manifest)
    except ValidationError as error:
        raise OperatorError(f"the manifest of {name} is of another version of these tasks") from error
    if facts.snapshot != name:
        raise OperatorError(f"what the host keeps as {name} is {facts.snapshot}", next_command="fab drift")
    return facts


def why_older(shown: Facts, new: Facts, votes_may_fall: float) -> str | None:
    """Why results would turn the public's numbers back; None if they would not.

    Args:
        shown: What is shown.
        new: What would be.
        votes_may_fall: By which part the sum of all votes may be lower: forms are corrected in a count.
    """
    if new.as_of < shown.as_of:
        return f"they are of {_said(new.as_of)}, and {_said(shown.as_of)} is shown"
    if new.tps_entered < shown.tps_entered:
        return f"they have {new.tps_entered} polling stations, and {shown.tps_entered} are shown"
    if sum(new.votes) < sum(shown.votes) * (1 - votes_may_fall):
        return f"they have {sum(new.votes)} votes, and {sum(shown.votes)} are shown"
    return None


def _said(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
