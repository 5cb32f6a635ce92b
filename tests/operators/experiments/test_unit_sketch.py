"""The sample of units: those with the smallest hashes, whatever came in which order."""

import random

import msgspec

from operators.experiments.unit_sketch import UnitSketch
from operators.streaming.ids import share_of


def place(unit):
    return int(share_of("balance", unit) * 2**53)


def test_the_units_with_the_smallest_hashes_are_kept_also_across_a_snapshot():
    rng, sketch, held_out = random.Random(1), UnitSketch(size=20), {}
    for number in range(3000):
        unit = f"user:{rng.randrange(400)}"
        held_out.setdefault(unit, rng.random() < 0.3)
        sketch.observe(unit, holdout=held_out[unit])
        if number % 100 == 0:
            sketch = msgspec.msgpack.decode(msgspec.msgpack.encode(sketch), type=UnitSketch)
        smallest = sorted(held_out, key=place)[:20]
        assert sketch.kept == {place(each): held_out[each] for each in smallest}
        assert sketch.greatest == (max(sketch.kept) if len(held_out) >= 20 else -1)
