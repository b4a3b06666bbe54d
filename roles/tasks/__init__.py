"""What an operator types: each Fabric task, and the table and the checks it shows.

A task's module is read when the task runs (PEP 562): reading all of them takes as long as asking seven hosts.
"""

import importlib
import pkgutil
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roles.tasks import archiving as archiving
    from roles.tasks import bring_up as bring_up
    from roles.tasks import discard as discard
    from roles.tasks import drift as drift
    from roles.tasks import housekeeping as housekeeping
    from roles.tasks import looking_back as looking_back
    from roles.tasks import outlook as outlook
    from roles.tasks import publishing as publishing
    from roles.tasks import results as results
    from roles.tasks import rollouts as rollouts
    from roles.tasks import status as status
    from roles.tasks import ticking as ticking
    from roles.tasks import verify as verify


def __getattr__(name: str) -> ModuleType:
    if name not in {module.name for module in pkgutil.iter_modules(__path__)}:
        raise AttributeError(f"roles.tasks has no module {name}")
    return importlib.import_module(f"{__name__}.{name}")
