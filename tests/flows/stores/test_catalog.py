"""The catalog remembers products through time, on disk as in memory."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.stores.catalog import Catalogs, RocksCatalog
from flows.stores.memory_catalog import MemoryCatalog
from operators.streaming.messages import Product


@pytest.fixture(params=["memory", "rocks", "rocks without memory"])
def catalog(request, tmp_path):
    hot = {} if request.param == "rocks" else {"hot": 0}
    made = MemoryCatalog() if request.param == "memory" else RocksCatalog(tmp_path, **hot)
    yield made
    made.close()


def pieces(stock):
    return Product(stock=stock, title="Shoe")


def test_a_product_is_read_as_of_a_time(catalog):
    catalog.put("a", 100.0, pieces(5))
    catalog.put("a", 200.0, pieces(0))
    catalog.put("ab", 150.0, pieces(9))
    found = [catalog.as_of("a", at_s) for at_s in (99.9, 100.0, 199.9, 200.0, float("inf"))]
    assert found == [None, pieces(5), pieces(5), pieces(0), pieces(0)]
    assert catalog.as_of("b", 200.0) is None
    assert catalog.as_of("", 200.0) is None


def test_a_product_that_was_removed_is_not_known(catalog):
    catalog.put("a", 100.0, pieces(5))
    catalog.put("a", 200.0, None)
    assert (catalog.as_of("a", 150.0), catalog.as_of("a", 250.0)) == (pieces(5), None)
    catalog.put("a", 300.0, pieces(7))
    assert (catalog.as_of("a", 250.0), catalog.as_of("a", 300.0)) == (None, pieces(7))


def test_writing_the_same_again_changes_nothing(catalog):
    def write():
        for at_s, stock in ((100.0, 5), (200.0, 0), (200.0, 1), (300.0, 7)):
            catalog.put("a", at_s, pieces(stock))

    def read():
        return [catalog.as_of("a", at_s) for at_s in (50.0, 100.0, 200.0, 250.0, 300.0)]

    write()
    found = read()
    assert found == [None, pieces(5), pieces(1), pieces(1), pieces(7)]
    write()
    assert read() == found


def test_what_only_earlier_times_can_need_is_forgotten(catalog):
    for number in range(10):
        catalog.put("a", 100.0 * number, pieces(number))
    catalog.put("gone", 100.0, pieces(1))
    catalog.put("gone", 200.0, None)
    catalog.forget(450.0)
    assert [catalog.as_of("a", 100.0 * number) for number in (4, 5, 9)] == [pieces(4), pieces(5), pieces(9)]
    assert catalog.as_of("a", 350.0) is None
    assert catalog.as_of("gone", 150.0) is None
    assert catalog.as_of("gone", 500.0) is None
    catalog.forget(450.0)
    catalog.forget(float("-inf"))
    assert catalog.as_of("a", 450.0) == pieces(4)


changes = st.tuples(
    st.sampled_from("ab"),
    st.integers(0, 6).map(float),
    st.none() | st.integers(0, 3).map(pieces),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.lists(changes, max_size=20), st.integers(0, 6).map(float))
def test_both_catalogs_say_the_same_of_all_times_that_are_not_forgotten(tmp_path_factory, written, before_s):
    disk, memory = RocksCatalog(tmp_path_factory.mktemp("catalog"), hot=2), MemoryCatalog()
    for sku, at_s, product in written:
        disk.put(sku, at_s, product)
        memory.put(sku, at_s, product)
    for _ in range(2):
        for sku in "ab":
            for at in range(int(before_s), 8):
                assert disk.as_of(sku, float(at)) == memory.as_of(sku, float(at))
        disk.forget(before_s)
        memory.forget(before_s)
    disk.close()


def test_a_catalog_on_disk_is_the_same_after_a_start(tmp_path):
    catalogs = Catalogs(tmp_path)
    catalogs.of("de").put("a", 100.0, pieces(5))
    catalogs.of("de").put("a", 200.0, pieces(6))
    assert catalogs.of("at").as_of("a", 300.0) is None
    catalogs.close()
    again = Catalogs(tmp_path)
    assert [again.of("de").as_of("a", at_s) for at_s in (150.0, 250.0)] == [pieces(5), pieces(6)]
    again.of("de").forget(250.0)
    assert again.of("de").as_of("a", 150.0) is None
    again.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["at", "de"]


def test_what_was_put_is_written_through_where_that_is_wanted(catalog):
    catalog.put("a", 100.0, pieces(5))
    catalog.sync()
    catalog.sync()
    assert catalog.as_of("a", 100.0) == pieces(5)


def test_forgetting_leaves_nothing_on_disk_but_what_products_are_now(tmp_path):
    catalog = RocksCatalog(tmp_path)
    for number in range(2500):
        catalog.put(f"sku-{number % 5}", float(number), pieces(number))
    for number in range(5):
        catalog.put(f"sku-{number}", 3000.0, None if number else pieces(1))
    for _ in range(4):
        catalog.forget(4000.0)
    assert len(list(catalog._database.keys())) == 1
    catalog.close()
