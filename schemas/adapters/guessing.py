"""Which format some messages are in, found by reading them in every one."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from schemas.adapters.batches import decode_each
from schemas.adapters.decoded import Decoded
from schemas.adapters.decoding import DEFAULTS, SELF_DESCRIBED, decoder
from schemas.adapters.frames import PayloadReader
from schemas.adapters.options import FormatOptions
from schemas.events import Activity
from schemas.message import Message

CLEARLY: Final = 0.1
"""Another format fits better where it finds modelled events in so many more of the messages."""


class Fit(NamedTuple):
    """Of some messages, how many a format takes, and in how many it finds more than bare activity."""

    messages: int = 0
    taken: int = 0
    modelled: int = 0


def fit_of(
    form: str,
    messages: Iterable[Message],
    max_event_bytes: int,
    options: FormatOptions = DEFAULTS,
    payloads: PayloadReader | None = None,
) -> Fit:
    """Return how well a format fits these messages; one with several events is taken where one of them is."""
    decode = decoder(form, max_event_bytes, options, payloads=payloads)
    fit = Fit()
    for message in messages:
        found = (each for _, each in decode_each(decode, message))
        kinds = {type(each.event) for each in found if isinstance(each, Decoded)}
        fit = Fit(fit.messages + 1, fit.taken + bool(kinds), fit.modelled + bool(kinds - {Activity}))
    return fit


def better_format(form: str, fits: Mapping[str, Fit]) -> str | None:
    """Return the format that fits clearly better than `form`; None where none does.

    >>> better_format("native", {"native": Fit(50, 0, 0), "segment": Fit(50, 45, 40)})
    'segment'
    >>> better_format("native", {"native": Fit(50, 48, 38), "segment": Fit(50, 45, 40)})
    """
    best = max(fits, key=lambda name: fits[name][::-1], default=form)
    given = fits.get(form, Fit())
    is_clear = fits[best].modelled - given.modelled > CLEARLY * fits[best].messages if fits else False
    return best if is_clear else None


def likely_format(form: str, messages: Iterable[Message], max_event_bytes: int) -> str | None:
    """Return the format that fits messages clearly better than `form`; None where none does."""
    some = tuple(messages)
    return better_format(form, {name: fit_of(name, some, max_event_bytes) for name in tried(form)})


def tried(form: str | None = None) -> Iterable[str]:
    """Return the formats that messages may be read in without knowing more, and this one.

    >>> "generic:house.toml" in tried("generic:house.toml"), "generic" in tried()
    (True, False)
    """
    return dict.fromkeys((*SELF_DESCRIBED, *([] if form is None else [form])))
