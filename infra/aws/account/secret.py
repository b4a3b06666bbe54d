"""Secrets that the program makes itself."""

from pulumi import Output, ResourceOptions
from pulumi.dynamic import Resource

from infra.aws.providers import SecretProvider


class Secret(Resource, module="aws", name="Secret"):
    """A word of 43 characters that nobody guesses, made once, encrypted in the state.

    `pulumi up --replace URN` makes another one.

    Args:
        name: Its logical name.
    """

    value: Output[str]

    def __init__(self, name: str, *, opts: ResourceOptions | None = None) -> None:
        secret = ResourceOptions(additional_secret_outputs=["value"])
        super().__init__(SecretProvider(), name, {"name": name, "value": None}, ResourceOptions.merge(opts, secret))
