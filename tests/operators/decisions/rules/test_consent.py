"""An offer needs the consent of its channel."""

import pytest

from operators.decisions.consents import ConsentGiven
from operators.decisions.rules.consent import REASON, Consent
from schemas.rules import Rules
from schemas.shop import Shop
from tests.builders import offer, shop


class Asked:
    """A situation in which this was said of channels."""

    def __init__(self, **granted):
        self.granted = granted

    def consent(self, channel):
        granted = self.granted.get(channel)
        return None if granted is None else ConsentGiven(granted, 0.0, "event")


def rule(of=None):
    of = shop(rules=Rules()) if of is None else of
    made = Consent()
    made.configure(of, of.markets["default"])
    return made


@pytest.mark.parametrize("channel", ["email", "app"])
def test_a_channel_that_needs_consent_gets_no_offer_without_it(channel):
    made = offer(channel=channel)
    assert rule().removes(made, Asked()) == REASON
    assert rule().removes(made, Asked(**{channel: False})) == REASON
    assert rule().removes(made, Asked(**{channel: True})) is None


def test_a_channel_that_needs_none_gets_offers_unless_it_was_denied():
    made = offer(channel="on_site")
    assert rule().removes(made, Asked(email=False)) is None
    assert rule().removes(made, Asked(on_site=False)) == REASON


def test_which_channels_need_consent_is_set_for_a_market():
    given = {"markets": {"default": {"rules": {"consent": {"required": ["on_site"]}}}}}
    made = rule(Shop.model_validate(given))
    assert made.removes(offer(channel="on_site"), Asked()) == REASON
    assert made.removes(offer(channel="email"), Asked()) is None
