"""What a stack would lose: things that serve, and that the next update would delete, or replace by new and empty ones.

Nobody loses them unasked. The program looks on every preview and update, `fab up` at the engine's own plan; both refuse
until the number of losses is named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.bridge.errors import OperatorError

HOST, NETWORK = "pulumi-python:dynamic/lab:Host", "pulumi-python:dynamic/lab:Bridge"
KINDS: Mapping[str, str] = {
    HOST: "host",
    NETWORK: "network",
    "aws:autoscaling/group:Group": "group of hosts",
    "aws:lb/loadBalancer:LoadBalancer": "load balancer",
    "aws:cloudfront/distribution:Distribution": "CDN",
    "aws:s3/bucket:Bucket": "bucket",
    "aws:kms/key:Key": "key",
    "aws:route53/zone:Zone": "zone",
}
"""What serves or holds data, by the type of its resource: the rest is made again without anybody noticing."""

NAMED = "TEGAK_DESTROY"
"""The environment's variable that names how many may be lost; for `pulumi`, which has no option of ours."""

SHOWN = "shown"
"""Its value where `fab up` has looked at the engine's plan, which tells more than the program can know."""

LOSING_STEPS = ("delete", "replace", "create-replacement", "delete-replaced")
"""The engine's names of what destroys something."""


LONGEST_NUMBER = 6
"""Digits: no stack has a million hosts."""


@dataclass(frozen=True, order=True)
class Loss:
    """One thing that would be lost.

    Args:
        kind: What it is, a word of `KINDS`.
        name: What the program calls it.
        how: What would happen to it: `deleted` or `replaced`.
    """

    kind: str
    name: str
    how: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name} ({self.how})"


def planned_losses(steps: Sequence[Mapping[str, object]]) -> list[Loss]:
    """What the engine's plan would lose.

    Args:
        steps: Of `pulumi preview --json`: each with an operation and the URN of what it is done to.
    """
    done: dict[str, str] = {}
    for step in steps:
        if step["op"] in LOSING_STEPS:
            urn, how = str(step["urn"]), "deleted" if step["op"] == "delete" else "replaced"
            done[urn] = how if done.get(urn, how) == how else "replaced"
    found: list[Loss] = []
    for urn, how in done.items():
        kind, _, name = urn.partition("::")[2].rpartition("::")
        word = KINDS.get(kind.rpartition("::")[2].rpartition("$")[2])
        if word:
            found.append(Loss(word, name, how))
    return sorted(found)


def refuse_unnamed(stack: str, losses: Sequence[Loss], named: int | None) -> None:
    """Refuse to lose anything, unless its number was named.

    Args:
        stack: The stack's name.
        losses: What would be lost.
        named: How many may be; None if nobody said.

    Raises:
        OperatorError: The message has all of them, and how to go on.
    """
    if not losses or named == len(losses):
        return
    count = len(losses)
    sentence = f"of what stack '{stack}' has, {count} would be destroyed: {', '.join(map(str, losses))}"
    if named is not None:
        sentence += f"; {named} was named"
    raise OperatorError(
        f"{sentence}; nothing was changed",
        next_command=f"fab up --stack {stack} --destroy {count}, or {NAMED}={count} pulumi up -s {stack}   "
        "# if that is what you want; pulumi preview --diff tells why",
    )


def read_number(text: str | None, source: str) -> int | None:
    """How many losses were named; None if nobody did.

    Args:
        text: What was said.
        source: Where, for the error's sentence: an option or a variable.

    Raises:
        OperatorError: It is no number.
    """
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > LONGEST_NUMBER:
        raise OperatorError(f"{source} is '{text[:20]}', and names a number: how many may be destroyed")
    return int(text)
