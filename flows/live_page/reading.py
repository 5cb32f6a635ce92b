"""Keeps the state of the page up to date on threads of its own, and renders what people see of it."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from flows.kafka.cluster import Cluster
from flows.kafka.topic_tail import TopicTail
from flows.live_page.state.page_state import PageState
from flows.live_page.view.seen import Seen, horizon_of
from flows.live_page.worker_figures import ASK_EVERY_S, WorkerWatch
from flows.observability.log_events import LogEvent, tell
from flows.settings import Settings
from flows.studies.lift.run import MarketLift
from schemas.errors import OfferstreamError
from schemas.message import Message

RECORDS: Final[dict[str, int | None]] = {
    "decisions": 60_000,
    "offers": 20_000,
    "rejected": 2_000,
    "controls": None,
}
"""How many of the latest records of each topic the page begins with."""
LIFT_EVERY_S: Final = 10.0
RETRY_S: Final = 3.0

log = logging.getLogger("offerstream.page")


class PageReader:
    """Reads the worker's topics and asks for its figures until it is closed.

    ``lock`` is held while the state changes: whoever looks at it holds it too. ``waits_for`` says what is
    missing before the state is known, None once it is.
    """

    def __init__(self, settings: Settings, worker_url: str) -> None:
        self.lock = threading.Lock()
        self._shop = settings.shop()
        self.state = PageState(self._shop, settings.check_shop)
        self.waits_for: str | None = "the latest records are being read"
        self.watch = WorkerWatch(worker_url)
        self._settings = settings
        self._cluster = Cluster(settings.bootstrap, f"{settings.group}-page", settings.kafka_settings())
        self._topics = {settings.topic_of(name): most for name, most in RECORDS.items()}
        self._lifts: dict[str, MarketLift | None] = {}
        self._skipped = 0
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._read, name="page-reader", daemon=True),
            threading.Thread(target=self._ask, name="page-figures", daemon=True),
        ]

    def start(self) -> None:
        """Begin to read."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop reading."""
        self._closing.set()
        for thread in self._threads:
            thread.join(5)

    def seen(self, market: str) -> Seen:
        """Return a market as it is seen now; hold ``lock`` while you look at it."""
        return Seen(self.state, market, self.watch.figures, self._lifts.get(market), self._skipped)

    def _ask(self) -> None:
        while not self._closing.is_set():
            self.watch.ask()
            self._closing.wait(ASK_EVERY_S)

    def _read(self) -> None:
        while not self._closing.is_set():
            try:
                self._read_topics()
            except OfferstreamError as error:  # a broker that does not answer, a topic that is not there yet
                self.waits_for = str(error)
                tell(log, LogEvent.PAGE_WAITS, reason=error)
            except Exception as error:  # noqa: BLE001  the page begins anew, and stays there to say so
                self.waits_for = f"reading has failed: {error}"
                tell(log, LogEvent.PAGE_READING_FAILED, error=error)
            self._closing.wait(RETRY_S)

    def _read_topics(self) -> None:
        tail = TopicTail(self._cluster, self._topics)
        try:
            begun = PageState(self._shop, self._settings.check_shop)
            self._fold(begun, tail.history())
            with self.lock:
                self.state = begun
            self.waits_for = None
            measured_s = float("-inf")
            while not self._closing.is_set():
                if time.monotonic() >= measured_s + LIFT_EVERY_S:
                    self._measure()
                    measured_s = time.monotonic()
                messages = tail.poll()
                with self.lock:
                    self._fold(begun, messages)
                self._skipped = tail.skipped
        finally:
            tail.close()

    def _fold(self, state: PageState, messages: Iterable[Message]) -> None:
        topic_of = self._settings.topic_of
        others: dict[str, Callable[[Message], None]] = {
            topic_of("rejected"): state.add_rejected,
            topic_of("controls"): state.add_control,
        }
        for message in messages:
            others.get(message.topic, state.add_output)(message)

    def _measure(self) -> None:
        with self.lock:
            for name, market in self.state.markets.items():
                self._lifts[name] = market.lift.lift(name, horizon_of(self.state.shop, name))
