"""Whether the worker moves, and the small server that Prometheus and a supervisor ask."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from prometheus_client import make_wsgi_app

from flows.observability.metrics import Metrics
from flows.observability.page_server import PageServer
from flows.observability.progress import Progress

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


Page = Callable[[], tuple[bool, dict[str, object]]]
"""Returns whether all is well, and what a page says of it, as JSON."""
NO_PAGES: Final[Mapping[str, Page]] = {}


class Limits(NamedTuple):
    """How long the watermark may stand still, and how old the newest sealed epoch may be.

    ``ahead`` is how far the watermark may be ahead of the clock, None where time is simulated.
    """

    watermark: timedelta
    epoch: timedelta
    ahead: timedelta | None = timedelta(seconds=5)


def health(
    progress: Progress, limits: Limits, concerns: Sequence[str] = ()
) -> tuple[bool, dict[str, object]]:
    """Return whether neither the watermark nor the epochs have stalled, and the figures and reasons as JSON.

    Lag is no stall: the watermark moves while old messages are read. Nor are ``concerns``, which only
    degrade it: the worker moves, but not all is as it should be.
    """
    stalled_s, epoch_age_s = progress.watermark_stalled_s(), progress.epoch_age_s()
    watermark_limit_s, epoch_limit_s = limits.watermark.total_seconds(), limits.epoch.total_seconds()
    reasons = []
    if stalled_s > watermark_limit_s:
        slowest = progress.slowest() or "the first partition"
        reasons.append(
            f"the watermark has not moved for {stalled_s:.1f} s (limit {watermark_limit_s:g} s), "
            f"it waits for {slowest}"
        )
    if epoch_age_s > epoch_limit_s:
        reasons.append(f"no epoch was sealed for {epoch_age_s:.1f} s (limit {epoch_limit_s:g} s)")
    delay_s = progress.watermark_delay_s()
    if limits.ahead is not None and delay_s < -limits.ahead.total_seconds():
        reasons.append(
            f"the watermark is {-delay_s:.1f} s ahead of this machine's clock: the clock was ahead and was "
            "set back, or is behind now; until then events are late"
        )
    degraded = "degraded" if concerns else "ok"
    return not reasons, {
        "status": "stalled" if reasons else degraded,
        "reasons": [*reasons, *concerns],
        "watermark_delay_seconds": None if math.isnan(delay_s) else delay_s,
        "watermark_stalled_seconds": stalled_s,
        "epoch_age_seconds": epoch_age_s,
    }


class MetricsServer(PageServer):
    """Answers /metrics, /healthz and other pages until it is closed.

    ``pages`` are other paths, each with what answers it. Port 0 takes any free port, which ``port`` then is.
    Raises SetupError where it cannot listen.
    """

    def __init__(
        self, metrics: Metrics, limits: Limits, host: str, port: int, pages: Mapping[str, Page] = NO_PAGES
    ) -> None:
        super().__init__(_app(metrics, {"/healthz": partial(_health, metrics, limits), **pages}), host, port)


def _health(metrics: Metrics, limits: Limits) -> tuple[bool, dict[str, object]]:
    return health(metrics.progress, limits, metrics.concerns.reasons())


def _app(metrics: Metrics, pages: Mapping[str, Page]) -> Callable[..., Iterable[bytes]]:
    exposition = make_wsgi_app(metrics.registry.prometheus)

    def app(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            exposed: Iterable[bytes] = exposition(environ, start)
            return exposed
        if path in pages:
            is_well, figures = pages[path]()
            status = "200 OK" if is_well else "503 Service Unavailable"
            start(status, [("Content-Type", "application/json")])
            return [json.dumps(figures).encode()]
        start("404 Not Found", [("Content-Type", "text/plain")])
        return [f"there are {', '.join(('/metrics', *pages))}\n".encode()]

    return app
