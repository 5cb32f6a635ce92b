"""Why an arm could not be chosen, why there was no draw, and how an offer ended: a sentence each."""

from typing import Final

REMOVED: Final[dict[str, str]] = {
    "paused": "somebody has paused it",
    "killed": "all offers of the market were switched off",
    "not_started": "its campaign had not begun",
    "campaign_ended": "its campaign was over, or would have been when it was published",
    "weekday": "it is not made on this day of the week",
    "stale": "the moment was read too late for its channel, so the shopper may have been gone",
    "no_consent": "the person has not agreed to offers on its channel, or has refused them",
    "min_cart_value": "the cart was worth less than it asks for",
    "max_cart_value": "the cart was worth more than it is for",
    "visitor_kind": "it is for other visitors: known ones, or new ones",
    "sku": "the products in the cart are not those that it is for",
    "category": "the categories in the cart are not those that it is for",
    "audience": "the visitor is not in its audience",
    "out_of_stock": "a product that it is on was sold out",
    "margin_floor": "it would have left too little margin on this cart",
    "margin_unknown": "the margin of this cart was not known, so it could not be checked",
    "open_offer": "the person already held an open offer",
    "cooldown": "the person had an offer a short while before",
    "cooldown_purchase": "the person had bought something a short while before",
    "cooldown_dismissal": "the person had put an offer away a short while before",
    "first_touch": "nobody gets a discount the first time",
    "cap": "the person had as many offers as a cap allows",
    "cap_total": "the market had made as many offers as a cap allows",
    "quiet_hours": "its channel had quiet hours",
    "budget": "the budget had no money left for it at that time",
    "holdout": "the person is in the holdout and never gets offers, to measure what offers are worth",
    "rollout": "the person is outside of the canary, for whom offers are not rolled out yet",
}
"""By the reason in ``Decision.removed``."""

NOT_DRAWN: Final[dict[str, str]] = {
    "holdout": "The person is in the holdout, which never gets offers: that is how their worth is measured.",
    "shadow": "The worker ran in shadow: it chose as it would have, but published nothing.",
    "rollout": "The person is outside of the canary, and offers are not rolled out to others yet.",
    "stale": "The moment was read too late to act on, so nothing was chosen.",
    "no_eligible_arm": "No offer could be made, so there was nothing to choose from.",
}
"""By ``Decision.reason``."""

ENDED: Final[dict[str, str]] = {
    "redeemed": "The offer was redeemed",
    "expired": "The offer expired unused",
    "purchased": "The offer was taken back: the person ordered without it",
    "out_of_stock": "The offer was taken back: something it is on was sold out",
    "budget_withdrawn": "The offer was taken back: there was no money left for it",
    "consent_withdrawn": "The offer was taken back: the person no longer wants offers on its channel",
    "second_offer": "The offer was taken back: the person turned out to hold another open offer",
    "paused": "The offer was taken back: somebody stopped it",
    "killed": "The offer was taken back: all offers of the market were switched off",
    "erased": "The offer was taken back: the data of the person were erased",
}
"""By the reason in the record that ends an offer."""


def removal_words(reason: str) -> str:
    """Return why an arm was removed, in words that follow "because"; a reason of a later version as it is."""
    return REMOVED.get(reason, f"a rule named the reason `{reason}`")


def end_words(reason: str) -> str:
    """Return how an offer ended, without a full stop."""
    return ENDED.get(reason, f"The offer ended (`{reason}`)")
