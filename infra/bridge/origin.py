"""What a CDN and the load balancers that one owns must both know, and nobody else.

It is the stack output `origin`, a secret: encrypted in the state, and no part of the inventory, which tasks write to
files and show. Only the load balancers' files are made of it (templates/origin/).
"""

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infra.bridge.errors import OperatorError

ORIGIN_HEADER = "x-tegak-origin"
"""The header by which a load balancer knows the CDN; its value is a secret."""

ARN_REGION = 3
"""Which part of an ARN is its region: arn:partition:service:region:account:…"""


class Origin(BaseModel):
    """How a CDN asks a load balancer.

    Args:
        name: The name that it asks, over TLS.
        secret: What its header (`ORIGIN_HEADER`) says.
        certificate_arn: The exportable certificate of the name, in AWS Certificate Manager.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    # The first two become words of HAProxy's configuration: they have no space and no quote.
    name: str = Field(pattern=r"^[a-z0-9.-]+$", repr=False)
    secret: str = Field(pattern=r"^[A-Za-z0-9_-]{32,}$", repr=False)
    certificate_arn: str = Field(pattern=r"^arn:[a-z-]+:acm:[a-z0-9-]+:[0-9]+:certificate/.+$")

    @property
    def region(self) -> str:
        """Where the certificate is."""
        return self.certificate_arn.split(":")[ARN_REGION]


def parse_origin(document: object) -> Origin:
    """Validate the stack output.

    Raises:
        OperatorError: The document does not fit; the message names the key, and no value.
    """
    try:
        return Origin.model_validate(document)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "origin"
        # Not chained: what pydantic says has the value in it.
        raise OperatorError(
            f"the stack output 'origin' can't be used: {where} does not fit",
            next_command="pulumi up   # rewrites the output with this version of the program",
        ) from None
