"""The offers file with the settings of controls: checked like the file, and the error names the field."""

import re
from datetime import date, timedelta

import pytest

from operators.controls.in_force import controlled, fitting, value_in
from schemas.errors import SetupError
from schemas.shop import Shop

TEN = {
    "name": "ten",
    "kind": "percent_off",
    "value": 10,
    "channel": "email",
    "expires_after": "1h",
    "reward_window": "2h",
}
FILE = Shop.model_validate(
    {
        "markets": {"default": {}, "uk": {"currency": "GBP", "holdout": 0.2}},
        "offers": [TEN],
        "rules": {"cooldown": {"after_offer": "6h"}},
        "budgets": {"week": {"number": 7, "by": "day"}},
    }
)


def accepted(_shop):
    """A check that has nothing against any shop."""


def with_(**settings):
    return controlled(FILE, {path.replace("__", "."): value for path, value in settings.items()}, accepted)


def test_a_setting_replaces_one_key_and_leaves_the_rest():
    shop = with_(markets__uk__holdout=0.1, budgets__week__number=500, killed=True)
    assert shop.markets["uk"].holdout == 0.1
    assert shop.markets["uk"].currency == "GBP"
    assert shop.budgets["week"].number == 500
    assert shop.killed
    assert FILE.markets["uk"].holdout == 0.2


def test_an_offer_is_named_by_its_name():
    shop = with_(offers__ten__paused=True)
    assert shop.offers[0].paused


def test_what_an_offer_costs_follows_from_its_new_value():
    assert with_(offers__ten__value=20).offers[0].cost.share == 0.2


def test_an_offer_that_is_set_whole_is_added_at_the_end():
    added = {key: value for key, value in TEN.items() if key != "name"} | {"value": 5}
    shop = with_(offers__five=added, offers__five__paused=True)
    assert [offer.name for offer in shop.offers] == ["ten", "five"]
    assert shop.offers[1].paused


def test_a_rule_for_all_markets_leaves_what_a_market_has_of_its_own():
    shop = with_(rules__cooldown__after_offer="12h", markets__uk__rules__cooldown__after_offer="1h")
    assert shop.markets["default"].rules.cooldown.after_offer == timedelta(hours=12)
    assert shop.markets["uk"].rules.cooldown.after_offer == timedelta(hours=1)


def test_a_date_in_json_is_a_date_and_no_midnight():
    assert with_(offers__ten__ends="2026-12-24").offers[0].ends == date(2026, 12, 24)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"markets.uk.holdout": 2}, "markets.uk.holdout must be less than or equal to 1; got 2"),
        ({"markets.uk.holdot": 0.1}, "markets.uk.holdot must not be there; the key is unknown"),
        ({"offers.ten.value": 110}, "offers.ten value of percent_off must be at most 100 percent; got 110"),
        ({"offers.ten.kind": "gift"}, "offers.ten.kind must be 'percent_off'"),
        ({"offers.one.paused": True}, "offers.one.paused: the offer must be one of ten; got 'one'"),
        ({"offers.ten": True}, "offers.ten must be a table with the settings of an offer; got True"),
        ({"offers.ten.name": "x"}, "offers.ten.name: the name of an offer must stay; add another offer"),
        ({"offers": []}, "offers must be set one by one, as offers.NAME"),
        ({"markets.uk.holdout.x": 1}, "markets.uk.holdout.x: markets.uk.holdout must be a table; it is 0.2"),
        ({"markets.fr.holdout": 0.1}, "markets must stay default, uk while the worker runs"),
        ({"markets.uk.currency": "EUR"}, "markets.uk.currency is read at start; change the offers file"),
        ({"markets.uk.timezone": "Asia/Tokyo"}, "markets.uk.timezone is read at start"),
        ({"markets.uk.margin_rate": 0.3}, "markets.uk.margin_rate is given or left out at start"),
        ({"caps.day": {"at_most": 1, "by": "day", "offers": ["x"]}}, "caps.day.offers must be among ten"),
    ],
)
def test_what_cannot_be_set_is_named(settings, words):
    with pytest.raises(SetupError, match=re.escape(words)):
        controlled(FILE, settings, accepted)


def test_what_the_check_refuses_is_refused():
    def refused(_shop):
        raise SetupError("nothing pleases me")

    with pytest.raises(SetupError, match="nothing pleases me"):
        controlled(FILE, {"killed": True}, refused)


def test_settings_that_a_changed_file_has_no_place_for_are_left_out_alone():
    settings = {"offers.gone.paused": True, "markets.uk.holdout": 0.1}
    in_force = fitting(FILE, settings, accepted)
    assert in_force.shop.markets["uk"].holdout == 0.1
    assert list(in_force.left_out) == ["offers.gone.paused"]
    assert "the offer must be one of ten" in in_force.left_out["offers.gone.paused"]


def test_a_setting_that_only_fits_after_a_later_one_is_kept():
    settings = {
        "budgets.money": {"amount": 10, "by": "day", "offers": ["ten"]},
        "offers.ten.max_discount": 5,
        "offers.gone.paused": True,
    }
    in_force = fitting(FILE, settings, accepted)
    assert "money" in in_force.shop.budgets
    assert list(in_force.left_out) == ["offers.gone.paused"]


def test_a_value_in_force_includes_defaults():
    assert value_in(FILE, "markets.default.holdout") == 0.05
    assert value_in(FILE, "rules.cooldown.after_offer") == "6h"
    assert value_in(FILE, "offers.ten.cost.share") == 0.1
    assert value_in(FILE, "offers.none.cost") is None
