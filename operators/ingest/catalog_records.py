"""The records of the catalog's topic: what a product is now, in each market it is sold in."""

from collections.abc import Mapping, Sequence
from typing import Final

from operators.ingest.market_reader import MarketRecord
from operators.ingest.settings import IngestSettings
from operators.ingest.validation import check_market
from operators.streaming.ids import name_of
from operators.streaming.messages import Product, ProductChange, Trace
from schemas.adapters.frames import PayloadReader
from schemas.catalog import CatalogProduct, Removal, read_product
from schemas.message import Message
from schemas.rejected import InvalidEvent
from schemas.trace_headers import trace_in_headers

NOTHING: Final = b""


class CatalogRecords:
    """Reads products of at most so many bytes; nothing is remembered."""

    def __init__(
        self, settings: IngestSettings, max_bytes: int, payloads: PayloadReader | None = None
    ) -> None:
        self._settings = settings
        self._max_bytes = max_bytes
        self._payloads = payloads
        self._markets = sorted(settings.markets)

    def decode(self, message: Message) -> MarketRecord:
        """Return the changes in the markets that a record is about; InvalidEvent where it cannot be taken.

        Where some of them have no rate for its currency, the product has neither price nor unit cost there.
        """
        read = read_product(message, self._max_bytes, self._payloads)
        if isinstance(read, Removal):
            sku, market = read.of(self._settings.markets)
            return self._record(message, sku, dict.fromkeys(self._addressed(market)))
        product = read.product
        addressed = self._addressed(product.market)
        found = {market: self._product(product, market) for market in addressed}
        unpriced = [market for market in addressed if self._rate(product, market) is None]
        if unpriced == list(addressed):
            own = ", ".join(sorted({self._settings.currencies[market] for market in addressed}))
            raise InvalidEvent("currency", f"amounts in {product.currency}; the markets count in {own}")
        dropped = (*read.dropped, "currency") if unpriced else read.dropped
        time_s = None if product.at is None else product.at.timestamp()
        return self._record(message, product.sku, found, time_s, dropped)

    def _addressed(self, market: str | None) -> Sequence[str]:
        if market is None:
            return self._markets
        check_market(market, self._settings)
        return (market,)

    def _rate(self, product: CatalogProduct, market: str) -> float | None:
        """Return by what amounts are multiplied in a market, None where nobody knows."""
        settings, currency = self._settings, product.currency
        if currency is None or currency == settings.currencies[market]:
            return 1.0
        if product.price is None and product.unit_cost is None:
            return 1.0
        return settings.rates[market].get(currency)

    def _product(self, product: CatalogProduct, market: str) -> Product:
        rate = self._rate(product, market)
        return Product(
            price=_times(product.price, rate),
            unit_cost=_times(product.unit_cost, rate),
            stock=product.stock,
            title=product.title,
            url=product.url,
            image=product.image,
            category=product.category,
        )

    @staticmethod
    def _record(
        message: Message,
        sku: str,
        found: Mapping[str, Product | None],
        time_s: float | None = None,
        dropped: Sequence[str] = (),
    ) -> MarketRecord:
        headers = trace_in_headers(message.headers)
        trace = None if headers.trace is None else Trace(*headers.trace)

        def inputs_at(at_s: float) -> list[ProductChange]:
            id_ = name_of("product", sku, repr(at_s))  # whichever partition it stood in
            return [
                ProductChange(at_s=at_s, id=id_, market=market, sku=sku, product=product, trace=trace)
                for market, product in found.items()
            ]

        return MarketRecord(time_s, inputs_at, (*dropped, *headers.dropped))

    def resumed(self, at_s: float) -> Sequence[ProductChange]:
        """Return nothing: what products are is kept in the markets' stores."""
        del at_s
        return ()

    def state(self) -> bytes:
        """Return nothing."""
        return NOTHING

    def restore(self, state: bytes) -> None:
        """Take up nothing."""


def _times(amount: float | None, rate: float | None) -> float | None:
    return None if amount is None or rate is None else amount * rate
