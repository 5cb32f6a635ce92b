"""The shop that `offers.toml` describes, and the words when it cannot be right."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from operators.decisions.shop_checks import check_shop
from schemas.errors import SetupError
from schemas.shop import NO_OFFER, Cost, Offer, Shop, load_shop

EXAMPLE = Path(__file__).parents[2] / "schemas" / "example_offers.toml"
TERMS = 'channel = "email"\nexpires_after = "1h"\nreward_window = "2h"\n'


def offer(**chosen):
    terms = {"name": "it", "kind": "percent_off", "value": 10, "channel": "email"}
    return Offer.model_validate(terms | {"expires_after": "1h", "reward_window": "2h"} | chosen)


@pytest.fixture
def loaded(tmp_path):
    def load(text):
        path = tmp_path / "offers.toml"
        path.write_text(text)
        return load_shop(path)

    return load


def test_the_example_offers_every_kind_on_every_channel():
    shop = load_shop(EXAMPLE)
    assert len({offer.kind for offer in shop.offers}) == 7
    assert {offer.channel for offer in shop.offers} == {"on_site", "email", "app"}
    assert shop.offers[0].expires_after == timedelta(minutes=30)


def test_what_the_example_shows_in_comments_can_be_put_in_force(loaded):
    shown = re.sub(r"^#(?=[\[a-z])", "", EXAMPLE.read_text(), flags=re.MULTILINE)
    shop = loaded(shown)
    check_shop(shop, timedelta(days=7))
    assert (len(shop.caps), len(shop.budgets), shop.four_eyes) == (1, 1, True)
    rules = {name: market.rules for name, market in shop.markets.items()}
    assert rules["default"].cooldown.after_dismissal == timedelta(days=7)
    assert rules["uk"].cooldown.after_dismissal == timedelta(days=14)
    assert rules["uk"].quiet_hours.keys() == {"email"}


def test_an_offer_for_some_markets_is_no_arm_of_the_others():
    shop = load_shop(EXAMPLE)
    here, there = ({offer.name for offer in shop.arms(market)} for market in ("default", "uk"))
    assert here - there == {"double_points"}
    assert NO_OFFER not in here | there


def test_an_empty_file_is_a_shop_without_offers_in_one_market(loaded):
    shop = loaded("")
    assert shop == Shop()
    assert shop.markets["default"].margin_rate is None
    assert shop.arms("default") == ()


@pytest.mark.parametrize(
    ("chosen", "cost"),
    [
        ({"kind": "percent_off", "value": 10}, Cost(share=0.1)),
        ({"kind": "pay_later", "value": 3}, Cost(share=0.03)),
        ({"kind": "amount_off", "value": 5}, Cost(fixed=5)),
        ({"kind": "free_shipping", "value": 4.9}, Cost(fixed=4.9)),
        ({"kind": "bundle", "value": 8}, Cost(fixed=8)),
        ({"kind": "points", "value": 3}, Cost(fixed=3)),
        ({"kind": "reminder", "value": 0}, Cost()),
        ({"cost": {"charged": "shown"}}, Cost(charged="shown", share=0.1)),
        ({"cost": {"fixed": 2}}, Cost(fixed=2)),
        ({"cost": {"share": 0}}, Cost()),
    ],
)
def test_what_an_offer_costs_follows_from_its_kind_unless_said(chosen, cost):
    assert offer(**chosen).cost == cost


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[offers]]", "offers.#1.name must be given; it is missing"),
        (f'[[offers]]\nname = "no_offer"\nkind = "points"\n{TERMS}', "name must not be no_offer"),
        (f'[[offers]]\nname = "Ten %"\nkind = "points"\n{TERMS}', "must match pattern"),
        (f'[[offers]]\nname = "x"\nkind = "gift"\n{TERMS}', "offers.#1.kind must be 'percent_off'"),
        (f'[[offers]]\nname = "x"\nkind = "gift"\n{TERMS}', "got 'gift'"),
        (
            f'[[offers]]\nname = "x"\nkind = "points"\nvalue = -1\n{TERMS}',
            "value must be greater than or equal to 0",
        ),
        (f'[[offers]]\nname = "x"\nkind = "points"\nvalue = nan\n{TERMS}', "value must be "),
        (
            f'[[offers]]\nname = "x"\nkind = "percent_off"\nvalue = 110\n{TERMS}',
            "at most 100 percent; got 110",
        ),
        (
            f'[[offers]]\nname = "x"\nkind = "points"\ncots = 1\n{TERMS}',
            "cots must not be there; the key is unknown",
        ),
        (f'[[offers]]\nname = "x"\nkind = "points"\ncost = 1\n{TERMS}', "offers.#1.cost must be"),
        (
            f'[[offers]]\nname = "x"\nkind = "points"\nvalue = "five"\n{TERMS}',
            "offers.#1.value must be a valid",
        ),
        (
            f'[[offers]]\nname = "x"\nkind = "points"\n{TERMS}'.replace("1h", "-5"),
            "offers.#1.expires_after must be a positive duration like `30m`; got '-5'",
        ),
        (
            f'[[offers]]\nname = "x"\nkind = "points"\n{TERMS}' * 2,
            "offers must have different names; got 'x' twice",
        ),
        (
            f'[[offers]]\nname = "x"\nkind = "points"\nmarkets = ["mars"]\n{TERMS}',
            "offer 'x': markets must be among default; got 'mars'",
        ),
        ("offers = 1", "offers must be a valid tuple; got 1"),
        ("offers = [1]", "offers.#1 must be "),
        ("markets = 1", "markets must be a valid dictionary; got 1"),
        ("[markets]", "markets"),
        ("[markets]\nuk = 1", "markets.uk must be "),
        ('[markets.UK]\ncurrency = "GBP"', "must match pattern"),
        ('[markets.uk]\ncurrency = "pounds"', "markets.uk.currency must match pattern"),
        ("[markets.uk]\nholdout = 2", "markets.uk.holdout must be less than or equal to 1; got 2"),
        ("[markets.uk.rates]\nUSD = 0", "markets.uk.rates.USD must be greater than 0; got 0"),
        ("[markets.uk.rates]\nUSD = inf", "markets.uk.rates.USD must be"),
        ("[markets.uk.rates]\nUSD = nan", "markets.uk.rates.USD must be"),
        ("[markets.uk.rates]\nusd = 1", "markets.uk.rates.usd"),
        (
            '[markets.uk]\ncurrency = "GBP"\nrates = {GBP = 1.2}',
            "rates.GBP must be 1 or left out: it is the market's own currency",
        ),
        ("[markets.uk]\nmargin_rate = -1", "markets.uk.margin_rate must be greater than or equal to 0"),
        ("[markets.uk]\nmargin = 1", "markets.uk.margin must not be there; the key is unknown"),
        (
            '[markets.uk]\ntimezone = "Mars"',
            "markets.uk.timezone must be an IANA time zone like Europe/Berlin; got 'Mars'",
        ),
        ('[markets.uk]\ntimezone = "../etc"', "must be an IANA time zone"),
        ('[markets.uk]\ntimezone = "Europe"', "must be an IANA time zone"),
        ("offers = [", "must be TOML in UTF-8; got: "),
    ],
)
def test_a_wrong_file_stops_the_set_up_in_words(loaded, text, words):
    with pytest.raises(SetupError, match=r"offers\.toml.*" + re.escape(words)) as stopped:
        loaded(text)
    assert "pydantic" not in str(stopped.value)


def test_a_file_in_another_encoding_is_named(tmp_path):
    path = tmp_path / "offers.toml"
    path.write_bytes(b"# \xff")
    with pytest.raises(SetupError, match=r"offers\.toml must be TOML in UTF-8"):
        load_shop(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SetupError, match=r"none\.toml must be a readable file; got: No such file"):
        load_shop(tmp_path / "none.toml")
