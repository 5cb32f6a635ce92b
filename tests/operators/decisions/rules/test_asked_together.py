"""Rules are asked of all offers together; each offer is removed as if they were asked of it alone."""

import random
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from flows.stores.memory_ledger import MemoryLedger
from operators.decisions.consents import ConsentGiven
from operators.decisions.ledger import write_entry
from operators.decisions.rules import Eligibility, RuleBook, build_rules
from operators.decisions.rules.rule import Lookups, Person, Situation
from operators.state.rows import StateRows
from operators.streaming.messages import Line, Product
from schemas.shop import NO_OFFER, Shop
from tests.builders import DAY, HOUR, OFTEN, T0, changed, moment
from tests.operators.decisions.rules.asking import entry

NAMES = ("one", "two", "three", "four")
CHANNELS = ("on_site", "app", "email")
SKUS = ("shoe", "sock", "hat")
AUDIENCES = (
    {"when": "cart.value > 40 && 'shoe' in cart.skus"},
    {"when": "session.device == 'mobile' || visitor.known"},
    {"without_categories": ["toys"], "max_cart_value": 90.0},
    {"skus": ["shoe"], "visitors": "new"},
)
WHOSE = (["one"], ["two", "three"])


class World:
    """A shop with many rules, what was decided there, and a moment, all drawn."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        zone, rate = {"timezone": "Europe/Berlin"}, {"margin_rate": 0.3}
        self.shop = Shop.model_validate(
            {
                "markets": {"default": zone | self.maybe(0.9, rate)},
                "offers": [self.offer(name) for name in NAMES],
                "rules": self.rules(),
                "caps": {name: self.cap() for name in "abc"[: self.rng.randrange(4)]},
                "budgets": {name: self.budget() for name in "xy"[: self.rng.randrange(3)]},
            }
        )
        self.past = sorted(
            (self.rng.uniform(30, 47), self.rng.choice((*NAMES, None)), self.rng.choice(("ann", "bob")))
            for _ in range(self.rng.randrange(6))
        )
        self.situation = self.moment()

    def maybe(self, chance, table):
        return table if self.rng.random() < chance else {}

    def offer(self, name):
        pick = self.rng.choice
        return {
            "name": name,
            "kind": pick(("percent_off", "amount_off", "points")),
            "value": pick((5.0, 10.0)),
            "channel": pick(CHANNELS),
            "expires_after": "30m",
            "reward_window": "2h",
            "max_discount": pick((10.0, 20.0)),
            "paused": self.rng.random() < 0.05,
            **self.maybe(0.3, {"audience": pick(AUDIENCES)}),
            **self.maybe(0.2, {"starts": pick((*["2023-11-13"] * 3, "2023-11-17"))}),
            **self.maybe(0.2, {"weekdays": pick((["tue"], ["wed", "thu", "fri"]))}),
            **self.maybe(0.2, {"skus": pick((["hat"], ["sock", "hat"]))}),
            **self.maybe(0.2, {"min_cart_value": 45.0}),
        }

    def rules(self):
        pick = self.rng.choice
        ends = ("22:00", "07:00")
        hours = {
            each: {"start": "21:00", "end": pick(ends), "then": pick(("hold", "drop"))} for each in CHANNELS
        }
        return {
            "cooldown": {"after_offer": pick(("0s", "0s", "6h"))},
            **self.maybe(0.2, {"audience": pick(AUDIENCES)}),
            **self.maybe(
                0.5, {"margin": {"floor": pick((0.0, 0.1, 0.3)), "unknown": pick(("remove", "allow"))}}
            ),
            **self.maybe(0.5, {"quiet_hours": hours}),
            **self.maybe(0.3, {"first_touch": "no_discount"}),
            **self.maybe(0.5, {"consent": {"required": ["app"]}}),
        }

    def cap(self):
        pick = self.rng.choice
        which = pick(({}, {"offers": pick(WHOSE)}, {"channels": ["email"]}, {"channels": ["app", "on_site"]}))
        by = pick(("hour", "day", "week"))
        return {"at_most": pick((1, 1, 2)), "by": by, "per": pick(("person", "market")), **which}

    def budget(self):
        pick = self.rng.choice
        which = self.maybe(0.5, {"offers": pick(WHOSE)})
        return {"amount": pick((15.0, 30.0, 1e4)), "by": pick(("hour", "day")), **which}

    def moment(self):
        pick, user, after = self.rng.choice, self.rng.choice((None, "user")), 2 * DAY
        lines = [
            Line(pick(SKUS), 1, pick((None, 20.0)), category=pick((None, None, "toys")))
            for _ in range(self.rng.randrange(1, 4))
        ]
        late = pick((0.0, 0.0, 0.0, 0.5 * HOUR))
        at = moment(after, "ann", user=user, value=pick((30.0, 50.0, 100.0)), read=after + late)
        stock = {sku: pick((None, *[5] * 8, 0)) for sku in self.rng.sample(SKUS, 2)}
        products = {
            sku: Product(price=20.0, unit_cost=12.0, stock=pieces, category="shoes")
            for sku, pieces in stock.items()
        }
        granted = {channel: self.rng.random() < 0.95 for channel in CHANNELS}
        consents = {channel: ConsentGiven(granted[channel], T0, "event") for channel in CHANNELS[1:]}
        lookups = Lookups(lambda sku, _at_s: products.get(sku), lambda _visitors, _users, _at_s: consents)
        person = Person(("ann", "bob"), () if user is None else (user,), ZoneInfo("Europe/Berlin"))
        context = {**at.features, "device": pick(("mobile", "desktop"))}
        market = self.shop.markets["default"]
        return Situation(changed(at, lines=tuple(lines)), person, context, market, lookups)

    def book(self):
        """The rules, told of what was decided."""
        ledger = MemoryLedger()
        book = RuleBook(build_rules(ledger, StateRows()))
        book.configure(self.shop, self.shop.markets["default"])
        for seq, (hours, arm, visitor) in enumerate(self.past, 1):
            made = entry(hours * HOUR, arm, visitor, seq=seq)
            write_entry(ledger, made)
            book.decided(made)
        return book


def one_by_one(world):
    """What is allowed where each offer is brought before all rules, one after the other."""
    found, rules, now = Eligibility([NO_OFFER], {}), world.book().rules, world.situation
    for offer in world.shop.arms("default"):
        reasons = (rule.removes(offer, now) for rule in rules if rule.concerns(offer))
        reason = next((each for each in reasons if each is not None), None)
        if reason is None:
            found.eligible.append(offer.name)
        else:
            found.removed[offer.name] = reason
    return found


@given(seed=st.integers(0, 2**32))
@settings(OFTEN, max_examples=250)
def test_what_is_removed_and_why_is_the_same_for_each_offer_alone(seed):
    together, apart = World(seed).book().eligibility(World(seed).situation), one_by_one(World(seed))
    assert together == apart
    assert list(together.removed) == list(apart.removed)
