"""The CDN's firewall: generous, and counting before it blocks."""

from typing import Literal

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import cloudwatch, wafv2

from infra.aws.outputs import AccountOutputs
from infra.aws.policies import Statement, for_source, policy, service
from infra.settings.regions import GLOBAL_REGION

WINDOW_SECONDS = 300
PEOPLE_PER_ADDRESS = 20_000
"""People behind one address: carrier-grade NAT puts a town's telephones behind a handful."""

REQUESTS_PER_POLL = 2
"""A page and a file of results."""

UNCACHED_LIMIT = 3_000
"""/version and /healthz in a window, from one address: they always reach the hosts, and nobody's page asks for them."""

UNCACHED_PATHS = ("/healthz", "/version")
LOG_DAYS = 90
LARGEST_LIMIT = 2_000_000_000


def limit_per_address(poll_seconds: int) -> int:
    """Requests in a window that one address may send before it is counted or blocked."""
    return min(PEOPLE_PER_ADDRESS * REQUESTS_PER_POLL * WINDOW_SECONDS // poll_seconds, LARGEST_LIMIT)


class WebFirewall(pulumi.ComponentResource):
    """Rate rules, AWS's lists, and a log of what they met; of the many requests that met none nothing is noted.

    Args:
        account: What is shared.
        mode: Whether rules block, or only count.
        poll_seconds: How often a page asks.
    """

    def __init__(
        self,
        account: AccountOutputs,
        mode: Literal["count", "block"],
        poll_seconds: int,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("tegak:aws:Firewall", "firewall", None, opts)
        self._account, self._child = account, ResourceOptions(parent=self)
        acl = wafv2.WebAcl(
            "firewall",
            name=account.names.of("cdn"),
            description="Generous: one address may be a town",
            scope="CLOUDFRONT",
            region=GLOBAL_REGION,
            default_action={"allow": {}},
            rules=[
                _rate_rule("per-address", 0, limit_per_address(poll_seconds), mode),
                _rate_rule("uncached-paths", 1, UNCACHED_LIMIT, mode, UNCACHED_PATHS),
                # Never blocks: what one telephone did is on the list of the address that its town shares.
                _managed_rule("reputation", 2, "AWSManagedRulesAmazonIpReputationList", "count"),
                _managed_rule("known-bad-inputs", 3, "AWSManagedRulesKnownBadInputsRuleSet", mode),
            ],
            visibility_config=_visibility("cdn"),
            tags=account.names.tags("cdn"),
            opts=self._child,
        )
        self.arn: Output[str] = acl.arn
        self._log()
        self.register_outputs({"arn": self.arn})

    def _log(self) -> None:
        group = cloudwatch.LogGroup(
            "firewall",
            # AWS takes no other beginning.
            name=f"aws-waf-logs-{self._account.names.of('cdn')}",
            region=GLOBAL_REGION,
            retention_in_days=LOG_DAYS,
            kms_key_id=self._account.keys[GLOBAL_REGION],
            tags=self._account.names.tags("cdn"),
            opts=self._child,
        )
        account = group.arn.apply(lambda arn: arn.split(":")[4])
        allowed = cloudwatch.LogResourcePolicy(
            "firewall",
            policy_name=self._account.names.of("firewall"),
            region=GLOBAL_REGION,
            policy_document=Output.all(account, group.arn).apply(lambda both: log_policy(*both)),
            opts=self._child,
        )
        wafv2.WebAclLoggingConfiguration(
            "firewall",
            resource_arn=self.arn,
            log_destination_configs=[group.arn],
            region=GLOBAL_REGION,
            logging_filter=_what_met_a_rule(),
            opts=ResourceOptions(parent=self, depends_on=[allowed]),
        )


def log_policy(account: str, group: str) -> str:
    """Lets the firewall's log be delivered to its group, whose ARN ends without `:*`."""
    sources = for_source(account, f"arn:aws:logs:{GLOBAL_REGION}:{account}:*")
    write = ["logs:CreateLogStream", "logs:PutLogEvents"]
    return policy(Statement("Firewall", write, [f"{group}:*"], sources, service("delivery.logs")))


def _rate_rule(
    name: str, priority: int, limit: int, mode: Literal["count", "block"], paths: tuple[str, ...] = ()
) -> wafv2.WebAclRuleArgsDict:
    # 429 with a time to come back, not 403: the CDN shows its error page for that.
    refusal: wafv2.WebAclRuleActionBlockArgsDict = {
        "custom_response": {"response_code": 429, "response_headers": [{"name": "Retry-After", "value": "60"}]}
    }
    statement: wafv2.WebAclRuleStatementRateBasedStatementArgsDict = {
        "aggregate_key_type": "IP",
        "evaluation_window_sec": WINDOW_SECONDS,
        "limit": limit,
    }
    if paths:
        statement["scope_down_statement"] = {"or_statement": {"statements": [_is_path(path) for path in paths]}}
    return {
        "name": name,
        "priority": priority,
        "action": {"block": refusal} if mode == "block" else {"count": {}},
        "statement": {"rate_based_statement": statement},
        "visibility_config": _visibility(name),
    }


def _is_path(path: str) -> wafv2.WebAclRuleStatementRateBasedStatementScopeDownStatementArgsDict:
    return {
        "byte_match_statement": {
            "field_to_match": {"uri_path": {}},
            "positional_constraint": "EXACTLY",
            "search_string": path,
            "text_transformations": [{"priority": 0, "type": "NONE"}],
        }
    }


def _managed_rule(name: str, priority: int, group: str, mode: Literal["count", "block"]) -> wafv2.WebAclRuleArgsDict:
    return {
        "name": name,
        "priority": priority,
        "override_action": {"none": {}} if mode == "block" else {"count": {}},
        "statement": {"managed_rule_group_statement": {"vendor_name": "AWS", "name": group}},
        "visibility_config": _visibility(name),
    }


def _visibility(metric: str) -> wafv2.WebAclRuleVisibilityConfigArgsDict:
    return {"cloudwatch_metrics_enabled": True, "metric_name": metric, "sampled_requests_enabled": True}


def _what_met_a_rule() -> wafv2.WebAclLoggingConfigurationLoggingFilterArgsDict:
    actions = ("BLOCK", "COUNT", "EXCLUDED_AS_COUNT")
    return {
        "default_behavior": "DROP",
        "filters": [
            {
                "behavior": "KEEP",
                "requirement": "MEETS_ANY",
                "conditions": [{"action_condition": {"action": action}} for action in actions],
            }
        ],
    }
