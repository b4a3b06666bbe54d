"""The dynamic provider of adopted machines: it looks at them, and never changes, makes or removes one.

A machine must be fit when it is adopted, or when its address, keys or role change. Later it may be away: that is shown,
and stops nobody from changing the rest (docs/decisions/0021-a-machine-that-is-away.md).

Kept thin like infra/lab/providers.py: it is pickled into the state.
"""

import sys
from typing import Any

from pulumi.dynamic import CreateResult, DiffResult, ReadResult, ResourceProvider, UpdateResult

Properties = dict[str, Any]
IDENTITY = ("name", "role", "address", "ssh_port", "ssh_user", "host_keys", "key_file")


class MachineProvider(ResourceProvider):
    """A machine."""

    serialize_as_secret_always = False

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(props["name"], _look(props))

    def update(self, _id: str, _olds: Properties, news: Properties) -> UpdateResult:
        return UpdateResult(_look(news))

    def read(self, id_: str, props: Properties) -> ReadResult:
        from infra.bridge.errors import OperatorError

        try:
            return ReadResult(id_, _look(props))
        except OperatorError as error:
            # What a provider says there is shown by the engine, on up, preview and refresh alike.
            sys.stderr.write(f"warning: {error.message}; it stays in the stack as it was\n")
            return ReadResult(id_, {**props, "problem": error.message})

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        return DiffResult(changes=any(olds.get(key) != news.get(key) for key in IDENTITY))


def _look(props: Properties) -> Properties:
    from infra.adopted.inspection import OwnMachine, inspect

    facts = inspect(OwnMachine.from_properties(props))
    return {**props, "system": facts.system, "architecture": facts.architecture, "problem": ""}
