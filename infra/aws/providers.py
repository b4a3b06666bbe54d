"""The dynamic providers of what AWS doesn't make: secrets of our own, and where a location was put.

As the lab's, they are thin and importable, and import what does the work when they are called: the state holds a
reference to them, no code.
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


class WhereaboutsProvider(ResourceProvider):
    """Where a location is: it stays there."""

    serialize_as_secret_always = False

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(props["location"], props)

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        from infra.aws.moving import refuse_to_move

        refuse_to_move(olds, news)
        return DiffResult(changes=False)
