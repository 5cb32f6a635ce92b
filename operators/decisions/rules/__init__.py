"""What keeps an offer from being made: one file a rule, and the list of them all.

A rule is one class in a file of its own and one line in ``build_rules``; its reason stands in
``Decision.removed``. The first rule that removes an offer names the reason.
"""

from operators.decisions.rules.budget import BudgetRule
from operators.decisions.rules.cooldown import Cooldown
from operators.decisions.rules.freshness import Freshness
from operators.decisions.rules.min_cart_value import MinCartValue
from operators.decisions.rules.quiet_hours import QuietHoursRule
from operators.decisions.rules.rule import Rule, Situation
from operators.decisions.rules.rule_book import Eligibility, RuleBook

__all__ = ["Eligibility", "Rule", "RuleBook", "Situation", "build_rules"]


def build_rules() -> tuple[Rule, ...]:
    """Return the rules of a market, in the order in which they are asked."""
    return (
        Freshness(),
        MinCartValue(),
        Cooldown(),
        QuietHoursRule(),
        BudgetRule(),
    )
