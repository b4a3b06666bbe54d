"""How the CDN answers: from which origin, on which path, and what it says when none answers."""

from dataclasses import dataclass

from pulumi import Output
from pulumi_aws import cloudfront

from infra.aws.cdn.caching import NOT_CACHED, Caching
from infra.aws.cdn.fallback import SORRY_PATH, Fallback
from infra.aws.cdn.firewall import UNCACHED_PATHS
from infra.aws.outputs import AccountOutputs
from infra.bridge.bucket_layout import ARCHIVE_PREFIX, SITE_PREFIX
from infra.bridge.origin import ORIGIN_HEADER
from infra.settings.account import AwsSettings

LOCATIONS, SNAPSHOT, ARCHIVE, SITE = "locations", "snapshot", "archive", "site"
"""The origins: hosts in all locations, two parts of the bucket, and the first two in this order."""

DEFAULT_PAGE = "index.html"
"""What `/` is: the national page, as the service has it (app.addresses), under a key that the bucket has too."""

FAILOVER = (403, 500, 502, 503, 504)
"""Answers of the locations after which the bucket is asked. 403 is none of the service: a load balancer says it to whom
doesn't know the secret, so while a new secret spreads. 404 stays: the service knows better than the bucket what there
is; nor should those who ask for names at random be answered twice."""

ERROR_SECONDS = 3
NOT_FOUND_SECONDS = 10
METHODS = ("GET", "HEAD")
CONNECT_SECONDS, CONNECT_ATTEMPTS = 2, 2
READ_SECONDS = 5
"""A location asks another host after 4 s at most. While origins hang, each expired page waits this long for its old
copy: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html (stale-if-error)."""

KEEPALIVE_SECONDS = 50
"""Shorter than the load balancers': the side that sends requests is the one that closes."""

SHIELDS = frozenset(
    {
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "eu-central-1",
        "eu-west-1",
        "us-east-1",
        "us-east-2",
        "us-west-2",
    }
)
"""Regions with an Origin Shield; Jakarta has none.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/origin-shield.html"""


def shield_region(aws: AwsSettings) -> str | None:
    """Where requests of all edges meet before an origin is asked: in the home region, or where its copy is."""
    return next((region for region in (aws.home_region, aws.replica_region) if region in SHIELDS), None)


def origins(account: AccountOutputs, fallback: Fallback, shield: str | None) -> list[cloudfront.DistributionOriginArgs]:
    """The origins. The name of the first and its header are secrets, and so is all of it in the state."""
    meeting = cloudfront.DistributionOriginOriginShieldArgs(enabled=True, origin_shield_region=shield)
    locations = cloudfront.DistributionOriginArgs(
        origin_id=LOCATIONS,
        domain_name=account.origin_name,
        connection_attempts=CONNECT_ATTEMPTS,
        connection_timeout=CONNECT_SECONDS,
        custom_headers=[cloudfront.DistributionOriginCustomHeaderArgs(name=ORIGIN_HEADER, value=account.origin_secret)],
        custom_origin_config=cloudfront.DistributionOriginCustomOriginConfigArgs(
            http_port=80,
            https_port=443,
            origin_protocol_policy="https-only",
            origin_ssl_protocols=["TLSv1.2"],
            ip_address_type="ipv4",
            origin_keepalive_timeout=KEEPALIVE_SECONDS,
            origin_read_timeout=READ_SECONDS,
        ),
        origin_shield=meeting if shield else None,
    )
    # The archive's keys are its public paths, the site's begin with a word of their own.
    parts = [
        cloudfront.DistributionOriginArgs(
            origin_id=part,
            domain_name=fallback.domain,
            origin_path=path,
            origin_access_control_id=fallback.access,
            connection_attempts=CONNECT_ATTEMPTS,
            connection_timeout=CONNECT_SECONDS,
            origin_shield=meeting if shield else None,
        )
        for part, path in ((SNAPSHOT, f"/{SITE_PREFIX}"), (ARCHIVE, None))
    ]
    return [locations, *parts]


def origin_group() -> cloudfront.DistributionOriginGroupArgs:
    """The locations, then the bucket."""
    return cloudfront.DistributionOriginGroupArgs(
        origin_id=SITE,
        failover_criteria=cloudfront.DistributionOriginGroupFailoverCriteriaArgs(status_codes=list(FAILOVER)),
        members=[
            cloudfront.DistributionOriginGroupMemberArgs(origin_id=LOCATIONS),
            cloudfront.DistributionOriginGroupMemberArgs(origin_id=SNAPSHOT),
        ],
    )


def default_behaviour(caching: Caching) -> cloudfront.DistributionDefaultCacheBehaviorArgs:
    """Pages and JSON."""
    return cloudfront.DistributionDefaultCacheBehaviorArgs(
        target_origin_id=SITE,
        cache_policy_id=caching.results,
        response_headers_policy_id=caching.headers,
        viewer_protocol_policy="redirect-to-https",
        allowed_methods=list(METHODS),
        cached_methods=list(METHODS),
        compress=True,
    )


@dataclass(frozen=True)
class Path:
    """A path that is served in another way than pages are."""

    pattern: str
    origin: str
    cache_policy: Output[str] | str


def other_behaviours(caching: Caching) -> list[cloudfront.DistributionOrderedCacheBehaviorArgs]:
    """What differs from host to host is never kept, nor the bucket's; error page and archive are the bucket's alone."""
    paths = [
        *(Path(path, LOCATIONS, NOT_CACHED) for path in UNCACHED_PATHS),
        Path(SORRY_PATH, SNAPSHOT, caching.results),
        Path(f"/{ARCHIVE_PREFIX}/*", ARCHIVE, caching.results),
        Path("/img/*", SITE, caching.immutable),
    ]
    return [
        cloudfront.DistributionOrderedCacheBehaviorArgs(
            path_pattern=path.pattern,
            target_origin_id=path.origin,
            cache_policy_id=path.cache_policy,
            response_headers_policy_id=caching.headers,
            viewer_protocol_policy="redirect-to-https",
            allowed_methods=list(METHODS),
            cached_methods=list(METHODS),
            compress=True,
        )
        for path in paths
    ]


def error_responses() -> list[cloudfront.DistributionCustomErrorResponseArgs]:
    """Errors are kept for seconds, so that a crowd is one request. 403 is the bucket's word for what it hasn't."""
    return [
        *(
            cloudfront.DistributionCustomErrorResponseArgs(
                error_code=code,
                response_code=503 if code == 403 else code,  # noqa: PLR2004
                response_page_path=SORRY_PATH,
                error_caching_min_ttl=ERROR_SECONDS,
            )
            for code in FAILOVER
        ),
        cloudfront.DistributionCustomErrorResponseArgs(error_code=404, error_caching_min_ttl=NOT_FOUND_SECONDS),
    ]
