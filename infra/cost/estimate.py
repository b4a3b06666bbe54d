"""What a stack costs: the night that it is made for, and a usual month. Pure: settings and prices in, items out."""

from collections.abc import Iterator
from dataclasses import dataclass

from infra.bridge.errors import OperatorError
from infra.cost import assumptions as assumed
from infra.cost.bill import Bill, Item
from infra.cost.load import GB, MILLION, Load, planned_night
from infra.cost.prices import EVERYWHERE, PriceList, our_prices
from infra.settings.account import AwsSettings, BudgetSettings, NightSettings
from infra.settings.location import AwsLocationSettings, HostsLocationSettings
from infra.settings.regions import GLOBAL_REGION
from infra.settings.stack import StackSettings
from infra.weights import hosts_of_the_night


@dataclass(frozen=True)
class Estimate:
    """What a stack costs.

    Args:
        load: What the public asks for during the night.
        night: From the night's start to its end, all that runs or is used then.
        month: A month without an election.
        budget: What may be spent, and the rate of the rupiah.
    """

    load: Load
    night: Bill
    month: Bill
    budget: BudgetSettings

    def rupiah(self, usd: float) -> int:
        """An amount in rupiah, at the rate of the budget."""
        return round(usd * self.budget.rupiah_per_usd)


def estimate(settings: StackSettings, prices: PriceList | None = None) -> Estimate:
    """Estimate what a stack costs.

    Args:
        settings: Its settings.
        prices: The prices; this checkout's if None.

    Raises:
        OperatorError: It has nothing on AWS, or a price is not known.
    """
    if settings.aws is None or settings.budget is None:
        raise OperatorError(
            "nothing of this stack is on AWS: there is no bill to estimate", next_command="fab cost --stack produksi"
        )
    known = prices or our_prices()
    return Estimate(
        load=Load.of(planned_night(settings)),
        night=Bill(tuple(_Night(settings, known).items())),
        month=Bill(tuple(_Month(settings, settings.budget, settings.aws, known).items())),
        budget=settings.budget,
    )


def origin_share(settings: StackSettings, location: AwsLocationSettings) -> float:
    """The part of what the CDN asks that a location answers: by hosts, as the DNS records are weighted."""
    return location.hosts.night / sum(hosts_of_the_night(settings).values())


def _requests(prices: PriceList, requests: float, answer_bytes: int) -> Iterator[Item]:
    """What each request through the CDN costs, whenever it comes."""
    yield Item(EVERYWHERE, "CDN: answers sent", requests * answer_bytes / GB, prices.find("cdn.transfer"))
    yield Item(EVERYWHERE, "CDN: requests", requests / 10_000, prices.find("cdn.requests"))
    yield Item(EVERYWHERE, "firewall: requests", requests / MILLION, prices.find("waf.requests"))


def _standing(location: AwsLocationSettings, prices: PriceList, hosts: int, hours: float) -> Iterator[Item]:
    """What a location costs because it is there.

    Args:
        location: The location.
        prices: The prices.
        hosts: How many of them run.
        hours: For how long.
    """
    months, region = hours / assumed.MONTH_HOURS, location.region
    disks_gb = (hosts + location.hosts.warm) * assumed.DISK_GB
    endpoints = assumed.INTERFACE_ENDPOINTS * location.zones
    logged_gb = hosts * hours / 24 * assumed.HOST_LOG_GB_PER_DAY
    yield Item(
        location.name,
        f"hosts, {location.instance_type}",
        hosts * hours,
        prices.of_instance(location.instance_type, region),
    )
    yield Item(location.name, "disks, warm hosts' too", disks_gb * months, prices.find("disk", region))
    yield Item(location.name, "load balancer", hours, prices.find("balancer", region))
    yield Item(location.name, "its public addresses", location.zones * hours, prices.find("address", region))
    yield Item(location.name, "interface endpoints", endpoints * hours, prices.find("endpoint", region))
    yield Item(location.name, "hosts' logs", logged_gb, prices.find("logs", region))


@dataclass(frozen=True)
class _Night:
    settings: StackSettings
    prices: PriceList

    @property
    def night(self) -> NightSettings:
        return planned_night(self.settings)

    def items(self) -> Iterator[Item]:
        load = Load.of(self.night)
        yield from _requests(self.prices, load.requests, self.night.answer_bytes)
        yield from self._shared(load)
        for location in self.settings.of_kind(AwsLocationSettings):
            yield from _standing(location, self.prices, location.hosts.night, self.night.hours + assumed.LEAD_HOURS)
            yield from self._balanced(location, load)

    def _shared(self, load: Load) -> Iterator[Item]:
        aws = self.settings.aws
        if aws is None:
            return
        queries = self.night.viewers * assumed.QUERIES_PER_VIEWER / MILLION
        log_gb = load.requests * assumed.CDN_LOG_BYTES / GB * assumed.LOG_MONTHS
        met_gb = load.requests * assumed.FIREWALL_LOG_PART * assumed.FIREWALL_LOG_BYTES / GB
        find = self.prices.find
        yield Item(EVERYWHERE, "DNS queries", queries, find("dns.queries"))
        yield Item(EVERYWHERE, "CDN's log, kept for 3 months", log_gb, find("storage", GLOBAL_REGION))
        yield Item(EVERYWHERE, "firewall's log", met_gb, find("logs", GLOBAL_REGION))
        yield from self._published(aws)

    def _published(self, aws: AwsSettings) -> Iterator[Item]:
        publications = self.night.hours * assumed.PUBLICATIONS_PER_HOUR
        archives = publications * assumed.ARCHIVE_OBJECTS
        files = assumed.SITE_FILES * (1 + assumed.CHANGED_PART * publications)
        public = publications * assumed.PUBLIC_ARCHIVE_OBJECTS
        sent_gb = publications * (assumed.ARCHIVE_GB + assumed.PUBLIC_ARCHIVE_GB) + files * assumed.SITE_FILE_GB
        hosts = sum(location.hosts.night for location in self.settings.of_kind(AwsLocationSettings))
        written, find = (archives + public + files) / 1000, self.prices.find
        yield Item(EVERYWHERE, "publications: written", written, find("storage.writes", aws.home_region))
        yield Item(EVERYWHERE, "publications: copied", written, find("storage.writes", aws.replica_region))
        yield Item(EVERYWHERE, "publications: sent", sent_gb, find("transfer.between_regions", aws.home_region))
        read = archives * hosts / 1000
        yield Item(EVERYWHERE, "publications: read by hosts", read, find("storage.reads", aws.home_region))

    def _balanced(self, location: AwsLocationSettings, load: Load) -> Iterator[Item]:
        # A unit is 1 GB an hour; new connections and rules (units' other measures) stay below, since the CDN keeps its
        # connections open and the listener has few rules.
        used = load.origin_gigabytes_per_hour * origin_share(self.settings, location)
        beyond = max(0.0, used - location.reserved_units) * self.night.hours_at_peak
        reserved = location.reserved_units * (self.night.hours + assumed.LEAD_HOURS)
        find = self.prices.find
        if reserved:
            yield Item(location.name, "units reserved", reserved, find("balancer.reserved_units", location.region))
        name = "units used beyond them" if reserved else "units used"
        yield Item(location.name, name, beyond, find("balancer.units", location.region))


@dataclass(frozen=True)
class _Month:
    settings: StackSettings
    budget: BudgetSettings
    aws: AwsSettings
    prices: PriceList

    def items(self) -> Iterator[Item]:
        night = planned_night(self.settings)
        requests = float(self.budget.month_requests_millions * MILLION)
        yield from _requests(self.prices, requests, night.answer_bytes)
        yield from self._shared()
        for location in self.settings.of_kind(AwsLocationSettings):
            share = origin_share(self.settings, location)
            used = requests * night.origin_percent / 100 * night.answer_bytes / GB * share
            yield from _standing(location, self.prices, location.hosts.usual, assumed.MONTH_HOURS)
            yield Item(location.name, "units used", used, self.prices.find("balancer.units", location.region))
            yield Item(location.name, "alarms", assumed.LOCATION_ALARMS, self.prices.find("alarm", location.region))

    def _shared(self) -> Iterator[Item]:
        find, home, replica = self.prices.find, self.aws.home_region, self.aws.replica_region
        own = len(self.settings.of_kind(HostsLocationSettings))
        # One for each region; a signed zone has one of its own.
        keys = len(self.settings.regions) + self.aws.dnssec
        yield Item(EVERYWHERE, "firewall", 1, find("waf.acl"))
        yield Item(EVERYWHERE, "firewall: rules", assumed.FIREWALL_RULES, find("waf.rule"))
        yield Item(EVERYWHERE, "DNS zone", 1, find("dns.zone"))
        if own:
            yield Item(EVERYWHERE, "health checks of own machines", own, find("dns.health_check"))
            issued = assumed.MONTH_HOURS / 24 / assumed.EXPORTED_CERTIFICATE_DAYS
            yield Item(EVERYWHERE, "certificate of own load balancers", issued, find("certificate.exported"))
        yield Item(EVERYWHERE, "keys", keys, find("key"))
        yield Item(EVERYWHERE, "CDN: alarms", assumed.CDN_ALARMS + own, find("alarm", GLOBAL_REGION))
        metrics = assumed.CDN_METRICS + assumed.BUCKET_METRICS
        yield Item(EVERYWHERE, "CDN: figures measured", metrics, find("metric"))
        yield Item(EVERYWHERE, "releases and snapshots kept", assumed.KEPT_GB, find("storage", home))
        yield Item(EVERYWHERE, "their copy", assumed.KEPT_GB, find("storage", replica))
        yield Item(EVERYWHERE, "audit trail", assumed.TRAIL_EVENTS / 100_000, find("trail.data_events"))
