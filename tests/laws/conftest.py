"""The log that the laws are held against, and what the machines say of it."""

import os

import pytest
from hypothesis import Phase, settings

from tests.laws.running import KafkaShop
from tests.laws.shopping import by_stream, decisions_in, log, messages, plain, with_back_office, with_feedback

if "LAWS_MUTANT" in os.environ:  # it need not be told by its smallest example, which takes long to find
    settings.register_profile("mutants", phases=[Phase.explicit, Phase.generate])
    settings.load_profile("mutants")


@pytest.fixture(scope="session")
def events():
    """A log with what servers tell, and feedback on the decisions that are taken on it."""
    bare = with_back_office(log())
    return with_feedback(bare, decisions_in(plain(messages(bare))))


@pytest.fixture(scope="session")
def said(events):
    """What the machines say of it, in a plain loop."""
    return plain(messages(events))


@pytest.fixture(scope="session")
def expected(said):
    return by_stream(said)


@pytest.fixture
def open_shop(tmp_path, expected):
    """Opens a shop with its module's log on a broker; its worker ends with the test, however that ends."""
    shops = []

    def opened(broker, *, ordered, **more):
        shop = KafkaShop(broker.bootstrap, tmp_path, expected.events, ordered=ordered, **more)
        shops.append(shop)
        return shop

    yield opened
    for shop in shops:
        shop.worker.__exit__()
