"""Offers on one level are a stream of their own, which exists only when it is set."""

from datetime import timedelta

import jsonschema
import orjson
import pytest
from bytewax.testing import run_main

from flows.settings import read_settings
from schemas.errors import SetupError
from schemas.json_schemas import json_schemas
from tests.laws.shopping import dataflow_of, log, messages, settings

SCHEMA = jsonschema.Draft202012Validator(json_schemas()["offer_flat.json"])


def test_every_offer_record_is_also_published_on_one_level():
    flow, ends = dataflow_of(messages(log(visitors=40, minutes=20), 1), settings(flat_offers=True))
    run_main(flow, epoch_interval=timedelta(seconds=10))
    nested, flat = ends["offers"].items, ends["offers_flat"].items
    assert [(each.id, each.type, each.key) for each in flat] == [
        (each.id, each.type, each.key) for each in nested
    ]
    assert {each.type for each in flat} >= {"offer.decided", "offer.expired"}
    for each in flat:
        SCHEMA.validate(orjson.loads(each.value))


def test_without_the_setting_there_is_neither_the_stream_nor_its_topic():
    _, ends = dataflow_of({"shop.events/0": []})
    assert ends.keys() == read_settings().output_topics.keys() == {"offers", "decisions", "rejected"}
    assert read_settings(flat_offers=True).output_topics["offers_flat"] == "shop.offers.flat"


def test_the_topic_of_flat_offers_must_be_another_one_when_it_is_written():
    assert read_settings(topics="offers_flat=shop.offers").output_topics["offers"] == "shop.offers"
    with pytest.raises(SetupError, match=r"topics must all be different; got 'shop\.offers' twice"):
        read_settings(flat_offers=True, topics="offers_flat=shop.offers")
