"""What keeps an offer from being made: one file a rule, and the list of them all.

A rule is one class in a file of its own and one line in ``build_rules``; its reason stands in
``Decision.removed``. The first rule that removes an offer names the reason.
"""

from operators.decisions.ledger import Ledger
from operators.decisions.rules.audience import AudienceRule
from operators.decisions.rules.budget import BudgetRule
from operators.decisions.rules.campaign import Campaign
from operators.decisions.rules.caps import Caps
from operators.decisions.rules.consent import Consent
from operators.decisions.rules.cooldown import Cooldown
from operators.decisions.rules.first_touch import FirstTouch
from operators.decisions.rules.freshness import Freshness
from operators.decisions.rules.holding import Publication
from operators.decisions.rules.margin_floor import MarginFloor
from operators.decisions.rules.market_caps import MarketCaps
from operators.decisions.rules.open_offer import OpenOffer
from operators.decisions.rules.paused import Paused
from operators.decisions.rules.person_history import Histories
from operators.decisions.rules.quiet_hours import QuietHoursRule
from operators.decisions.rules.rule import Rule, Situation
from operators.decisions.rules.rule_book import Eligibility, RuleBook
from operators.decisions.rules.stock import StockRule
from operators.state.rows import StateRows

__all__ = ["Eligibility", "Rule", "RuleBook", "Situation", "build_rules"]


def build_rules(ledger: Ledger, rows: StateRows) -> tuple[Rule, ...]:
    """Return the rules of a market, in the order in which they are asked, with memories in ``rows``."""
    histories, quiet_hours = Histories(ledger), QuietHoursRule()
    published = Publication(quiet_hours.holds_until_s, quiet_hours.holds)
    return (
        Paused(),
        Campaign(published),
        Freshness(),
        Consent(),
        AudienceRule(),
        StockRule(),
        MarginFloor(),
        OpenOffer(),
        Cooldown(histories),
        FirstTouch(histories),
        Caps(histories, published),
        MarketCaps(published),
        quiet_hours,
        BudgetRule(rows),
    )
