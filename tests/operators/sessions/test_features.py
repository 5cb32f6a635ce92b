"""What the models see of a visit."""

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.sessions.features import PERSONAL, features
from operators.streaming.messages import Moment
from tests.builders import (
    OFTEN,
    T0,
    Visits,
    cart_is,
    carted,
    checkout,
    item,
    looked,
    removed,
    searched,
    viewed,
)


def seen(*events, at, zone=UTC, moment="cart_idle"):
    visits = Visits()
    visits.tell(*events)
    return features(visits.visit(), moment, T0 + at, zone)


def test_a_visit_is_described_by_more_than_twenty_features():
    made = seen(
        looked(0, device="phone", source="mail", user_id="u"),
        viewed(30, price=40.0, category="shoes"),
        viewed(60, sku="boot", price=80.0, category="shoes"),
        viewed(90, sku="sock", price=30.0, category="socks"),
        searched(100),
        carted(110, price=40.0, quantity=2),
        carted(115, sku="sock", price=20.0),
        removed(120, sku="sock"),
        checkout(150),
        at=180,
    )
    assert len(made) >= 25
    expected = {
        "moment": "cart_idle",
        "device": "phone",
        "source": "mail",
        "events": 9,
        "page_views": 1,
        "product_views": 3,
        "searches": 1,
        "distinct_products": 3,
        "distinct_categories": 2,
        "category_focus": 2 / 3,
        "cart_adds": 2,
        "cart_removes": 1,
        "cart_churn": 0.5,
        "session_seconds": 180.0,
        "seconds_since_last_event": 30.0,
        "events_per_minute": 3.0,
        "checkout_started": 1.0,
        "known_user": 1.0,
        "visits_before": 0,
        "cart_value": 80.0,
        "cart_items": 2,
        "cart_lines": 1,
        "max_item_price": 40.0,
        "mean_item_price": 40.0,
        "value_vs_peak": 0.8,
        "cart_price_position": 0.8,
        "seconds_since_cart_change": 60.0,
        "seconds_since_first_cart": 70.0,
    }
    assert {name: made[name] for name in expected} == pytest.approx(expected)


def test_the_hour_is_that_of_the_markets_clock_as_a_point_on_a_circle():
    noon = datetime(2023, 11, 18, 12, tzinfo=UTC).timestamp() - T0
    here = seen(carted(noon), at=noon)
    assert (here["hour_sin"], here["hour_cos"]) == pytest.approx((0.0, -1.0), abs=1e-9)
    assert here["weekend"] == 1.0
    there = seen(carted(noon), at=noon, zone=timezone(timedelta(hours=-6)))
    assert (there["hour_sin"], there["hour_cos"]) == pytest.approx((1.0, 0.0), abs=1e-9)


def test_device_and_source_are_left_out_where_the_shop_does_not_tell_them():
    assert not {"device", "source"} & seen(carted(0), at=1).keys()


def test_a_cart_of_gifts_that_cost_nothing_has_features_too():
    made = seen(cart_is(0, item(price=0.0)), at=120)
    assert (made["cart_value"], made["value_vs_peak"], made["cart_price_position"]) == (0.0, 0.0, 1.0)


@OFTEN
@given(
    st.lists(
        st.one_of(
            st.builds(viewed, st.integers(0, 50), price=st.one_of(st.none(), st.floats(0, 1e9))),
            st.builds(
                carted, st.integers(0, 50), price=st.floats(0, 1e9), quantity=st.integers(1, 1_000_000)
            ),
            st.builds(removed, st.integers(0, 50)),
            st.builds(cart_is, st.integers(0, 50)),
        ),
        min_size=1,
        max_size=10,
    ),
    st.integers(-20, 2000),
)
def test_every_number_is_finite_whatever_shoppers_do(events, at):
    for name, value in seen(*events, at=at).items():
        assert isinstance(value, str) or math.isfinite(value), name


def test_who_somebody_is_can_be_left_out_of_the_choice():
    events = looked(0, user_id="u", segment="regulars", device="phone"), carted(10, price=40.0)
    with_all = seen(*events, at=20)
    visits = Visits(personal_features=False)
    [moment] = [each for each in visits.tell(*events) if isinstance(each, Moment)]
    assert with_all.keys() - moment.features.keys() == PERSONAL
    assert moment.features["device"] == "phone"
