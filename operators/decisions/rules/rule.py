"""The contract of a rule, and what a rule may look at."""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, ClassVar, Final, Generic, NamedTuple, TypeVar

from operators.decisions.consents import ConsentGiven
from operators.decisions.ledger import DecisionTerms, LedgerEntry
from operators.decisions.open_decisions import OpenDecision
from operators.decisions.unit_costs import cart_margin
from operators.streaming.messages import Moment, Product
from schemas.decisions import Decision
from schemas.shop import Market, Offer, Shop


class Lookups(NamedTuple):
    """What is known beside the moment, as of a time: a product of the catalog, a person's consent."""

    product: Callable[[str, float], Product | None]
    consents: Callable[[Sequence[str], Sequence[str], float], Mapping[str, ConsentGiven]]


NOTHING_KNOWN: Final = Lookups(lambda _sku, _at_s: None, lambda _visitors, _users, _at_s: {})


class Person(NamedTuple):
    """Who is decided about: the visitors and the users who are one person, the time zone, what is open.

    ``held`` are the person's open decisions.
    """

    visitors: tuple[str, ...]
    users: tuple[str, ...]
    zone: tzinfo
    held: tuple[OpenDecision, ...] = ()


T = TypeVar("T")


class once(Generic[T]):  # noqa: N801  used like ``property``
    """A property that is found out when it is first asked for: ``cached_property`` without its lock."""

    def __init__(self, find: Callable[[Any], T]) -> None:
        self._find = find
        self._name = find.__name__
        self.__doc__ = find.__doc__

    def __get__(self, instance: Any, owner: type | None = None) -> T:  # noqa: ANN401  of any class
        """Return it, and put it where Python looks first."""
        found = instance.__dict__[self._name] = self._find(instance)
        return found


class Situation:
    """One moment as rules see it. What takes time to find out is found out when the first rule asks.

    ``context`` is what the policy sees: the features and the abandonment score.
    """

    def __init__(
        self,
        moment: Moment,
        person: Person,
        context: dict[str, float | str],
        market: Market,
        lookups: Lookups = NOTHING_KNOWN,
    ) -> None:
        self.moment = moment
        self.at_s = moment.at_s
        self.visitors = person.visitors
        self.users = person.users
        self.user = moment.user
        self.zone = person.zone
        self.held = person.held
        self.context = context
        self.market = market
        self._lookups = lookups

    def product(self, sku: str) -> Product | None:
        """Return a product as the catalog has it at the moment, None where it is not known."""
        products = self.products
        if sku in products:
            return products[sku]
        found = products[sku] = self._lookups.product(sku, self.at_s)
        return found

    @once
    def products(self) -> dict[str, Product | None]:
        """The products of the cart as the catalog has them, by sku, and others that were asked for."""
        find, at_s = self._lookups.product, self.at_s
        return {sku: find(sku, at_s) for sku in self.cart_skus}

    def consent(self, channel: str) -> ConsentGiven | None:
        """Return what the person last said about a channel, None where nothing is known."""
        return self.consents.get(channel)

    @once
    def consents(self) -> Mapping[str, ConsentGiven]:
        """What the person last said about the channels of which anything is known."""
        return self._lookups.consents(self.visitors, self.users, self.at_s)

    @once
    def local(self) -> datetime:
        """The moment by the clock on the person's wall."""
        return datetime.fromtimestamp(self.at_s, self.zone)

    @once
    def cart_skus(self) -> list[str]:
        """The skus of the cart, as far as its lines are remembered, each once."""
        return list(dict.fromkeys([line.sku for line in self.moment.lines if line.sku]))

    @once
    def cart_categories(self) -> list[str]:
        """The categories of the cart, each once: as the events say them, else the catalog."""
        found: dict[str, None] = {}
        products = self.products
        for line in self.moment.lines:
            category = line.category
            if category is None and line.sku:
                product = products[line.sku]
                category = None if product is None else product.category
            if category is not None:
                found[category] = None
        return list(found)

    @once
    def margin(self) -> float | None:
        """The margin of the cart without an offer, None where a line's is not known.

        It is by the unit costs of the events, else those of the catalog, else the market's rate.
        """
        return cart_margin(self.moment.lines, self.products.get, self.market.margin_rate)


Values = Callable[[Sequence[str]], Mapping[str, float]]


class Rule:
    """What may keep an offer from being made. Every method but ``removes`` may be left as it is here.

    ``removes`` is asked at each decision, of one of the offers that are alike to the rule and answered for
    all of these.

    A rule that remembers something is told of decisions, of what follows from them and of the passage of
    time, and its memory is part of the market's snapshot. After a crash, ``decided`` is called for every
    entry that the ledger has beyond the snapshot, before anything else.
    """

    name: ClassVar[str]
    memory_s: float = 0.0
    """How far back it looks into the ledger, which keeps what was decided at least that long."""

    def configure(self, shop: Shop, market: Market) -> None:
        """Take up the offers file: at a start, and whenever controls change it."""

    def concerns(self, offer: Offer) -> bool:
        """Return whether this rule, as it is configured, could remove an offer; else it is not asked."""
        return True

    def alike(self, offer: Offer) -> Hashable:
        """Return what this rule, as it is configured, goes by of an offer: offers with the same are alike."""
        return offer.name

    def spares(self, now: Situation) -> bool:
        """Return whether it is plain that no offer is removed now: then ``removes`` is not asked."""
        return False

    def removes(self, offer: Offer, now: Situation) -> str | None:
        """Return the reason why this offer may not be made now, one word; None where it may."""
        raise NotImplementedError

    def holds(self, now: Situation) -> bool:
        """Return whether any offer made now may have to be held: else ``holds_until_s`` is not asked."""
        return True

    def holds_until_s(self, offer: Offer, now: Situation) -> float | None:
        """Return until when an offer made now must be held before it is published, None: not at all."""
        return None

    def surcharges(self, offers: Sequence[Offer], now: Situation) -> dict[str, float]:
        """Return by how much money the choice is to value offers less for what they use up, where they do."""
        return {}

    def decided(self, entry: LedgerEntry) -> None:
        """Note a decision that is in the ledger."""

    def chosen(self, terms: DecisionTerms, record: Decision, values: Values) -> None:
        """Note what a choice was between, in the order of choices, also after a crash.

        ``values`` returns what the policy takes arms to be worth in the context of the choice.
        """

    def changed(self, decision: OpenDecision) -> None:
        """Note that orders or feedback have changed what an offer costs."""

    def ended(self, decision: OpenDecision, at_s: float) -> None:
        """Note that an offer is over: redeemed, expired or revoked."""

    def corrected(self, terms: DecisionTerms, cost: float, at_s: float) -> None:
        """Note that what came after the window of a decision has changed the cost of its offer by so much."""

    def purchased(self, visitors: Sequence[str], user: str | None, at_s: float) -> None:
        """Note that a person bought something, maybe as a user of whom no visitor is known yet."""

    def dismissed(self, visitors: Sequence[str], at_s: float) -> None:
        """Note that a person put an offer away."""

    def withdrawn(self) -> list[str]:
        """Return the decisions whose offers must be revoked after what ``configure`` brought."""
        return []

    def had_offer(self, visitors: Sequence[str], at_s: float) -> bool:
        """Return whether a person is known to have had an offer lately, as far as this rule remembers."""
        return False

    def purchased_s(self, visitors: Sequence[str], users: Sequence[str], until_s: float) -> float:
        """Return when a person last bought something, as known at a time, as far as this rule remembers."""
        return -math.inf

    def forget(self, time_s: float) -> None:
        """Drop what no moment after a time can need."""

    def figures(self) -> dict[str, float]:
        """Return what operators see of it, by name."""
        return {}

    def budgets(self, time_s: float) -> dict[str, dict[str, float]]:
        """Return what each budget that it keeps has, and has used, in the period of a time, by its name."""
        return {}

    def state(self) -> bytes | None:
        """Return the memory as bytes, None where there is none."""
        return None

    def restore(self, state: bytes) -> None:
        """Take up a memory that was written down."""
