"""What the catalog on disk costs: microseconds a call beside those of an addition, and memory.

python -m tests.benchmarks.catalog --skus 100000
"""

import argparse
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from flows.stores.catalog import RocksCatalog
from operators.streaming.messages import Product

CALLS = 50_000
THEN_S, NOW_S = 1.70e9, 1.75e9


def microseconds(call: Callable[[str], object], skus: Iterable[str]) -> float:
    """Return what one call takes, over all of these products."""
    skus = list(skus)
    began_s = time.perf_counter()
    for sku in skus:
        call(sku)
    return (time.perf_counter() - began_s) / len(skus) * 1e6


def main() -> None:
    """Fill a catalog, look products up in it, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skus", type=int, default=100_000)
    count = parser.parse_args().skus
    rng = random.Random(1)
    product = Product(
        price=9.9,
        unit_cost=4.0,
        stock=12,
        title="A product of this shop",
        url="https://shop.example/products/0000000",
        image="https://shop.example/images/0000000.jpg",
        category="shoes",
    )

    def any_of(names: int, first: int = 0) -> list[str]:
        return [f"sku-{first + rng.randrange(names)}" for _ in range(CALLS)]

    began_s = time.perf_counter()
    sum(range(1_000_000))
    added_us = time.perf_counter() - began_s
    with tempfile.TemporaryDirectory() as directory:
        catalog = RocksCatalog(Path(directory))
        every = [f"sku-{number}" for number in range(count)]
        rows = {
            "put": microseconds(lambda sku: catalog.put(sku, THEN_S, product), every),
            "put again": microseconds(lambda sku: catalog.put(sku, NOW_S, product), any_of(count)),
            "as_of now, any product": microseconds(lambda sku: catalog.as_of(sku, NOW_S), any_of(count)),
            "as_of now, 5,000 products": microseconds(lambda sku: catalog.as_of(sku, NOW_S), any_of(5_000)),
            "as_of now, unknown": microseconds(lambda sku: catalog.as_of(sku, NOW_S), any_of(count, count)),
            "as_of then": microseconds(lambda sku: catalog.as_of(sku, THEN_S), any_of(count)),
        }
        catalog.close()
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    sys.stdout.write(f"| {count:,} products, {memory_mb} MB at most | µs |\n|---|---|\n")
    for name, took_us in {"an addition": added_us, **rows}.items():
        sys.stdout.write(f"| {name} | {took_us:.2f} |\n")


if __name__ == "__main__":
    main()
