"""What a demo has shown, in a sentence for each figure; the page says the same."""

from collections.abc import Iterator
from typing import Final

from flows.live_page.view import answer, model, offers
from flows.live_page.view.seen import Seen

NEXT: Final = (
    ("offerstream lift {out} --days 0.02", "what offers were worth, with its interval"),
    ("offerstream evaluate {out} --policy uniform", "what another policy would have earned"),
    (
        "offerstream check shop.events --bootstrap localhost:9092",
        "what the worker would make of your own events",
    ),
)


def sentences(seen: Seen) -> Iterator[str]:
    """Yield a sentence on each figure, with its interval and its currency where it has them."""
    worth = answer.answer(seen)
    interval = "" if worth["interval"] is None else f" (95 % interval {worth['interval']})"
    figure = worth["figure"] or "Not known yet"
    yield f"Is it worth it? {figure}{interval} per person: {worth['verdict']}. {worth['sentence']}"
    yield answer.learning(seen)["sentence"]
    yield answer.shares(seen)["sentence"]
    yield offers.offers(seen)["sentence"]
    for name, figure, about in model.model(seen)["facts"]:
        yield f"The abandonment model: {name} {figure}, {about}."


def next_commands(out: str) -> Iterator[tuple[str, str]]:
    """Yield what to run next, and what it says."""
    for command, says in NEXT:
        yield command.format(out=out), says
