"""What the program must know of AWS regions before it asks one: source https://docs.aws.amazon.com/global-infrastructure/."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RegionFacts:
    """A region, as of November 2026.

    Args:
        area: The city or country.
        opt_in: Whether an account has to switch it on first.
        zones: Availability zones that a new account can use.
    """

    area: str
    opt_in: bool = False
    zones: int = 3


GLOBAL_REGION = "us-east-1"
"""Where certificates and firewalls of the CDN have to be, wherever the site is."""

REGIONS = {
    "ap-southeast-1": RegionFacts("Singapore"),
    "ap-southeast-2": RegionFacts("Sydney"),
    "ap-southeast-3": RegionFacts("Jakarta", opt_in=True),
    "ap-southeast-4": RegionFacts("Melbourne", opt_in=True),
    "ap-southeast-5": RegionFacts("Malaysia", opt_in=True),
    "ap-southeast-7": RegionFacts("Thailand", opt_in=True),
    "ap-south-1": RegionFacts("Mumbai"),
    "ap-south-2": RegionFacts("Hyderabad", opt_in=True),
    "ap-northeast-1": RegionFacts("Tokyo"),
    "ap-northeast-2": RegionFacts("Seoul"),
    "ap-northeast-3": RegionFacts("Osaka"),
    "ap-east-1": RegionFacts("Hong Kong", opt_in=True),
    "us-east-1": RegionFacts("Virginia"),
    "us-east-2": RegionFacts("Ohio"),
    "us-west-1": RegionFacts("California", zones=2),
    "us-west-2": RegionFacts("Oregon"),
    "eu-central-1": RegionFacts("Frankfurt"),
    "eu-west-1": RegionFacts("Ireland"),
}
