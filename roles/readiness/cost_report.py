"""What `fab cost` shows: the night, a usual month, each location, the limits, the plot, and each price's source."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from infra.cost.bill import Bill, Item
from infra.cost.estimate import Estimate
from infra.cost.limits import Limit, figure, limits
from infra.cost.load import MILLION, planned_night
from infra.cost.plot import bars
from infra.cost.prices import EVERYWHERE, Price
from infra.settings.stack import StackSettings

LEAST_SHOWN_USD = 0.005
"""What costs less than a cent is counted, and not shown."""

PLAIN_WIDTH = 170
SURE = {"checked": "", "quoted": "quoted", "derived": "derived", "belief": "B"}
LEGEND = (
    (
        "B: belief, to be checked before money is committed. quoted: AWS's price list, as published by others."
        " derived: computed from another size's price. No mark: read on AWS's page."
    ),
    (
        "Not counted: taxes (PPN), support plans, CloudFront's free 1 TB and 10 million requests a month, people, and"
        " what one's own machines cost. GB are 10^9 bytes."
    ),
)


def brief(stack: str, settings: StackSettings, found: Estimate) -> list[str]:
    """The few lines that decide."""
    budget = found.budget
    believed = found.night.believed_usd
    return [
        *_load_lines(stack, settings, found),
        f"the night:      {_money(found, found.night.usd)}",
        f"  made of:      {', '.join(f'{name} {usd:,.0f}' for name, usd in found.night.parts.items())}",
        f"  to check:     {believed:,.0f} USD of it ({believed / found.night.usd:.0%}) rest on prices marked B",
        f"a usual month:  {_money(found, found.month.usd)}",
        (
            f"budget:         night {_left(budget.night_usd, found.night.usd)};"
            f" month {_left(budget.month_usd, found.month.usd)}"
        ),
        f"limits:         {'; '.join(_over(limits(settings))) or 'all suffice'}",
    ]


def show(console: Console, stack: str, settings: StackSettings, found: Estimate) -> None:
    """Show all of it."""
    sources = _Sources()
    for line in _load_lines(stack, settings, found):
        console.print(line, highlight=False)
    console.print(_bill_table("The night", found, found.night, sources))
    console.print(_bill_table("A usual month", found, found.month, sources))
    console.print(_places_table(settings, found))
    console.print(_limits_table(limits(settings)))
    for limit in limits(settings):
        if not limit.is_enough:
            console.print(f"to raise: {limit.raised_by}", highlight=False, soft_wrap=True)
    console.print("\nThe night over people at once", style="bold")
    for line in bars(settings):
        console.print(line, highlight=False, soft_wrap=True)
    console.print("\nPrices", style="bold")
    for line in [*sources.lines(), *LEGEND]:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def console_for_output() -> Console:
    """A console that cuts nothing off where the output goes to a file or a pipe."""
    console = Console()
    return Console(width=None if console.is_terminal else PLAIN_WIDTH)


def _load_lines(stack: str, settings: StackSettings, found: Estimate) -> list[str]:
    night, load = planned_night(settings), found.load
    asked = f"{night.requests_per_poll} request{'s' if night.requests_per_poll > 1 else ''}"
    return [
        (
            f"{stack}: {night.viewers:,} people at once, every {night.poll_seconds} s {asked}"
            f" of {night.answer_bytes:,} bytes"
        ),
        (
            f"at the peak:    {load.requests_per_second:,.0f} requests/s, {load.gigabits_per_second:.3g} Gbps;"
            f" {night.origin_percent:g} % left for the locations"
        ),
        (
            f"in all:         {night.hours:g} h that add up to {night.hours_at_peak:.3g} h at the peak:"
            f" {load.requests / MILLION:,.0f} million requests, {load.gigabytes / 1000:,.3g} TB"
        ),
    ]


def _money(found: Estimate, usd: float) -> str:
    budget = found.budget
    return f"{usd:,.0f} USD, IDR {found.rupiah(usd):,} ({budget.rupiah_per_usd:,} IDR/USD, {budget.rupiah_date})"


def _left(budget_usd: int, usd: float) -> str:
    left = budget_usd - usd
    return f"{budget_usd:,} USD, {abs(left):,.0f} {'left' if left >= 0 else 'too little'}"


def _over(found: Iterable[Limit]) -> list[str]:
    return [
        f"{limit.name} ({limit.where}) {limit.factor:.2g} times what is there" for limit in found if not limit.is_enough
    ]


def _bill_table(title: str, found: Estimate, bill: Bill, sources: "_Sources") -> Table:
    table = Table(
        "where", "item", title=f"\n{title}", title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    for heading in ("quantity", "USD a unit", "USD", "IDR"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("sure", no_wrap=True)
    table.add_column("price", justify="right", no_wrap=True)
    for item in bill.items:
        if item.usd >= LEAST_SHOWN_USD:
            table.add_row(*_cells(found, item), sources.number(item.price))
    table.add_row("", "all", "", "", f"{bill.usd:,.2f}", f"{found.rupiah(bill.usd):,}", style="bold")
    table.add_row("", "of it marked B", "", "", f"{bill.believed_usd:,.2f}", f"{found.rupiah(bill.believed_usd):,}")
    return table


def _cells(found: Estimate, item: Item) -> tuple[str, ...]:
    money = (f"{item.usd:,.2f}", f"{found.rupiah(item.usd):,}")
    return (
        item.where,
        item.name,
        figure(item.quantity),
        item.price.per_unit,
        *money,
        item.price.unit,
        SURE[item.price.confidence],
    )


def _places_table(settings: StackSettings, found: Estimate) -> Table:
    table = Table(
        "where", "kind", title="\nBy location", title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    for heading in ("night, USD", "night, IDR", "month, USD", "month, IDR"):
        table.add_column(heading, justify="right", no_wrap=True)
    kinds = {place.name: place.kind for place in settings.locations} | {EVERYWHERE: "what all share"}
    for where, kind in kinds.items():
        amounts = [bill.usd_of(where) for bill in (found.night, found.month)]
        cells = [cell for usd in amounts for cell in (f"{usd:,.2f}", f"{found.rupiah(usd):,}")]
        table.add_row(where, kind, *cells)
    return table


def _limits_table(found: Iterable[Limit]) -> Table:
    table = Table(
        "limit", "where", title="\nLimits", title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    for heading in ("needed", "there", "factor"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("quota", no_wrap=True)
    table.add_column("setting", no_wrap=True)
    for limit in found:
        code = f"{limit.quota.service} {limit.quota.code}" if limit.quota else ""
        cells = (figure(limit.needed), figure(limit.there), f"{limit.factor:.2f}", code, limit.setting)
        table.add_row(limit.name, limit.where, *cells, style=None if limit.is_enough else "bold red")
    return table


class _Sources:
    """Where the shown prices are from, each source once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], int] = {}

    def number(self, price: Price) -> str:
        """How a price's source is called in a table."""
        key = (price.source, price.date.isoformat())
        return f"[{self._known.setdefault(key, len(self._known) + 1)}]".replace("[", r"\[")

    def lines(self) -> list[str]:
        """All sources that were called."""
        return [f"[{number}] {source}, as of {date}" for (source, date), number in self._known.items()]
