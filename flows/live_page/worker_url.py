"""Where the worker answers for its metrics, as another process of the same machine reaches it."""

from flows.live_page.address import Address
from flows.settings import Settings


def worker_url_of(settings: Settings, port: int | None = None) -> str:
    """Return the address of a worker with these settings; ``port`` is the one that it has taken."""
    return Address(settings.metrics_host, settings.metrics_port).url(port).rstrip("/")
