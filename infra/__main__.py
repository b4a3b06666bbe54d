"""The Pulumi program: `pulumi up` makes a stack as stacks/Pulumi.<stack>.yaml describes it."""

import datetime as dt
import json
import os
from pathlib import Path

import pulumi

from infra.bridge.errors import MESSAGE_WAS_SHOWN, OperatorError
from infra.bridge.signers import PUBLIC_KEY, read_signers
from infra.guards import refuse_bad_resources
from infra.lab.bridge import kernel_has_netem
from infra.lab.preflight import check_machine, check_networks
from infra.losses import Watch
from infra.preflight import check_certificate, read_operator_key
from infra.settings.location import LabLocationSettings
from infra.settings.stack import PROJECT, STRUCTURED_KEYS, StackSettings, parse_settings
from infra.site import Site
from infra.workplace import Workplace

PROJECT_DIRECTORY = Path(__file__).resolve().parent.parent


def read_settings(stack: str) -> StackSettings:
    """Read the stack's own keys from the configuration that the engine hands over."""
    prefix = f"{PROJECT}:"
    raw: dict[str, str] = json.loads(os.environ.get("PULUMI_CONFIG") or "{}")
    own = {key.removeprefix(prefix): value for key, value in raw.items() if key.startswith(prefix)}
    config = {key: json.loads(value) if key in STRUCTURED_KEYS else value for key, value in own.items()}
    return parse_settings(config, stack)


def check_lab(stack: str, settings: StackSettings) -> bool:
    """Whether this machine can delay packets; nothing of it matters where it carries no lab."""
    locations = settings.of_kind(LabLocationSettings)
    if settings.network is None or not locations:
        return False
    check_machine()
    check_networks(stack, settings.network, locations)
    delays = kernel_has_netem()
    if not delays and any(location.delay_ms for location in locations):
        pulumi.log.warn("this kernel has no netem: the locations are made without the distance between them")
    return delays


def main() -> None:
    """Make the stack and export what the others need."""
    stack = pulumi.get_stack()
    settings = read_settings(stack)
    if settings.aws:
        refuse_bad_resources(settings)
    check_certificate(PROJECT_DIRECTORY, settings, dt.datetime.now(dt.UTC))
    delays = check_lab(stack, settings)
    operator_key = read_operator_key(PROJECT_DIRECTORY, settings.operator_key_file)
    signers = read_signers(PROJECT_DIRECTORY / PUBLIC_KEY)
    watch = Watch(stack)
    site = Site(stack, settings, Workplace(PROJECT_DIRECTORY, operator_key, signers, delays))
    pulumi.export("inventory", site.inventory())
    pulumi.export("url", site.edge.url)
    pulumi.export("ca_certificate", site.edge.ca_certificate)
    if site.name_servers is not None:
        pulumi.export("name_servers", site.name_servers)
    if site.ds_record is not None:
        pulumi.export("ds_record", site.ds_record)
    if site.origin is not None:
        pulumi.export("origin", site.origin)
    watch.refuse_losses()


try:
    main()
except OperatorError as error:
    pulumi.log.error(str(error))
    # Not sys.exit: what the program has asked for so far would be made first.
    os._exit(MESSAGE_WAS_SHOWN)
