"""An adopted machine as the Pulumi program sees it: typed inputs and outputs."""

from pulumi import Output, ResourceOptions
from pulumi.dynamic import Resource

from infra.adopted.providers import MachineProvider
from infra.settings.location import MachineSettings


class AdoptedMachine(Resource, module="hosts", name="Machine"):
    """A machine that exists already.

    `problem` is what stood in the way when it was last looked at, in a sentence; empty if nothing did.
    """

    host_keys: Output[list[str]]
    architecture: Output[str]
    problem: Output[str]

    def __init__(self, settings: MachineSettings, key_file: str, opts: ResourceOptions | None = None) -> None:
        inputs = {**settings.model_dump(mode="json"), "key_file": key_file}
        outputs = dict.fromkeys(("system", "architecture", "problem"))
        super().__init__(MachineProvider(), settings.name, {**inputs, **outputs}, opts)
