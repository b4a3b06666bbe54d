"""What the CDN keeps, for how long, and which headers it adds."""

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import cloudfront

from infra.aws.names import Names

DAY_SECONDS = 86_400
YEAR_SECONDS = 365 * DAY_SECONDS

NOT_CACHED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
"""AWS's own policy CachingDisabled, the same in every account:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""For what comes with none: JSON and the pages in the bucket. The service's own, with the hashes of its release's style
sheet and script, stays; the bucket's pages are those of any release, so that theirs can't be named here: their
script doesn't run, and an old address leads to the nation. All else is as in app/rendering.py."""

REMOVED_HEADERS = (
    "Server",
    "x-amz-replication-status",
    "x-amz-server-side-encryption",
    "x-amz-version-id",
)
"""What would tell whether an answer came from hosts or from the bucket."""


class Caching(pulumi.ComponentResource):
    """Cache policies and headers.

    The key of each is the path alone: neither query strings nor cookies nor headers reach the origin, and nobody can
    ask past the cache with `?1`, `?2`, …

    Args:
        names: Names and tags.
    """

    def __init__(self, names: Names, opts: ResourceOptions | None = None) -> None:
        super().__init__("tegak:aws:Caching", "caching", None, opts)
        self._names, self._child = names, ResourceOptions(parent=self)
        # As long as the service says (Cache-Control: max-age=10, stale-while-revalidate, stale-if-error); a least time
        # of its own would overrule that. What says nothing is not kept.
        self.results: Output[str] = self._policy("results", least=0, usual=0, most=DAY_SECONDS)
        # Scans of forms: a name never gets another content.
        self.immutable: Output[str] = self._policy("immutable", least=DAY_SECONDS, usual=DAY_SECONDS, most=YEAR_SECONDS)
        self.headers: Output[str] = self._headers()
        self.register_outputs({})

    def _policy(self, name: str, *, least: int, usual: int, most: int) -> Output[str]:
        key = cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginArgs(
            cookies_config=cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginCookiesConfigArgs(
                cookie_behavior="none"
            ),
            headers_config=cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginHeadersConfigArgs(
                header_behavior="none"
            ),
            query_strings_config=cloudfront.CachePolicyParametersInCacheKeyAndForwardedToOriginQueryStringsConfigArgs(
                query_string_behavior="none"
            ),
            enable_accept_encoding_gzip=True,
            enable_accept_encoding_brotli=True,
        )
        return cloudfront.CachePolicy(
            name,
            name=self._names.of(name),
            min_ttl=least,
            default_ttl=usual,
            max_ttl=most,
            parameters_in_cache_key_and_forwarded_to_origin=key,
            opts=self._child,
        ).id

    def _headers(self) -> Output[str]:
        """No preload and no subdomains with HSTS: the zone's other names are not ours to decide."""
        return cloudfront.ResponseHeadersPolicy(
            "headers",
            name=self._names.of("headers"),
            security_headers_config=cloudfront.ResponseHeadersPolicySecurityHeadersConfigArgs(
                strict_transport_security=cloudfront.ResponseHeadersPolicySecurityHeadersConfigStrictTransportSecurityArgs(
                    access_control_max_age_sec=YEAR_SECONDS, override=True
                ),
                content_security_policy=cloudfront.ResponseHeadersPolicySecurityHeadersConfigContentSecurityPolicyArgs(
                    content_security_policy=CONTENT_SECURITY_POLICY, override=False
                ),
                content_type_options=cloudfront.ResponseHeadersPolicySecurityHeadersConfigContentTypeOptionsArgs(
                    override=True
                ),
                frame_options=cloudfront.ResponseHeadersPolicySecurityHeadersConfigFrameOptionsArgs(
                    frame_option="DENY", override=True
                ),
                referrer_policy=cloudfront.ResponseHeadersPolicySecurityHeadersConfigReferrerPolicyArgs(
                    referrer_policy="no-referrer", override=True
                ),
            ),
            remove_headers_config=cloudfront.ResponseHeadersPolicyRemoveHeadersConfigArgs(
                items=[
                    cloudfront.ResponseHeadersPolicyRemoveHeadersConfigItemArgs(header=header)
                    for header in REMOVED_HEADERS
                ]
            ),
            opts=self._child,
        ).id
