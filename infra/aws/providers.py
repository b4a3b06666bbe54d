"""The dynamic provider of what AWS doesn't make: secrets of our own.

As the lab's, it is thin and importable: the state holds a reference to it, no code.
"""

from typing import Any

from pulumi.dynamic import CreateResult, DiffResult, ResourceProvider

Properties = dict[str, Any]


class SecretProvider(ResourceProvider):
    """A word that nobody guesses, made once. Nothing captured is a secret: the state need not encrypt the reference."""

    serialize_as_secret_always = False

    def create(self, props: Properties) -> CreateResult:
        from secrets import token_urlsafe

        return CreateResult(props["name"], {**props, "value": token_urlsafe(32)})

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        return DiffResult(changes=False)
