"""The trace of what caused a record is on every record that follows from it."""

from msgspec.structs import replace

from tests.builders import PART, T0, World, carted, looked, message, ordered


def trace(number):
    return f"00-4bf92f3577b34da6a3ce929d0e0e4736-{number:016x}-01".encode()


def test_every_record_has_the_trace_of_the_event_that_caused_it():
    world = World(arm="ten_percent")
    told = [
        (carted(0), 1),  # after two minutes its cart is idle
        (looked(200, "bob"), 2),
        (ordered(300, price=80.0), 3),
        (looked(200_000, "bob"), 4),
    ]
    for offset, (event, number) in enumerate(told):
        sent = replace(
            message(event, offset), headers=(("traceparent", trace(number)), ("tracestate", b"shop=1"))
        )
        world._take(world.readers[PART].read([sent], T0))
    found = {each.type: dict(each.headers) for each in world.emitted}
    assert {kind: headers["traceparent"] for kind, headers in found.items()} == {
        "score": trace(1),
        "decision": trace(1),
        "offer.decided": trace(1),
        "offer.revoked": trace(3),
        "outcome": trace(3),
        "reward": trace(1),
    }
    assert {headers["tracestate"] for headers in found.values()} == {b"shop=1"}
