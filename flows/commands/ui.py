"""``offerstream ui``."""

import argparse
import logging

from flows.commands.common import add_bootstrap, add_settings, settings_of
from flows.live_page.access import read_access
from flows.live_page.address import DEFAULT, read_address
from flows.live_page.installed import check_installed
from flows.live_page.listening import listen
from flows.live_page.worker_url import worker_url_of
from flows.observability.log_events import LogEvent, tell

EXAMPLES = """\
  offerstream ui --bootstrap localhost:9092 --offers offers.toml
  offerstream ui --config worker.toml --worker http://10.0.0.5:9464 --ui 0.0.0.0:8464 --ui-tokens tokens"""

log = logging.getLogger("offerstream.page")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``ui``."""
    add_bootstrap(parser)
    add_page(parser)
    parser.add_argument(
        "--worker",
        metavar="URL",
        help="where the worker's metrics are (default: as the settings say, on this machine)",
    )
    add_settings(parser)


def add_page(parser: argparse.ArgumentParser) -> None:
    """Add ``--ui`` and ``--ui-tokens``."""
    parser.add_argument(
        "--ui",
        nargs="?",
        const=DEFAULT,
        metavar="HOST:PORT",
        help=f"serve the live page here (without a value: {DEFAULT})",
    )
    parser.add_argument(
        "--ui-tokens", metavar="FILE", help="file of tokens, `act ann TOKEN` or `read board TOKEN` a line"
    )


def run(args: argparse.Namespace) -> None:
    """Serve the page until it is stopped."""
    check_installed()
    from flows.live_page.server import serve  # noqa: PLC0415  its packages may be missing

    settings = settings_of(args, ui=args.ui, ui_tokens=args.ui_tokens)
    address = read_address(settings.ui or DEFAULT)
    access = read_access(address, settings.ui_tokens, settings.ui_access)
    with listen(address) as opened:
        tell(log, LogEvent.PAGE_STARTED, url=address.url(opened.getsockname()[1]))
        serve(settings, args.worker or worker_url_of(settings), opened, access, is_local=address.is_loopback)
