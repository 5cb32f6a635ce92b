"""The end of a process that does not end by itself: no client can hold it for longer than it was given."""

import faulthandler
import logging
import os
import threading
from typing import Final

from flows.observability.log_events import LogEvent, tell

LAST_WORDS_S: Final = 0.5

log = logging.getLogger("offerstream")


def end_within(seconds: float) -> None:
    """End this process with exit code 1 after so many seconds, whatever its threads wait for.

    As ``kill -9`` does: what is not sealed is repeated by the next start. A thread without Python does it, so
    that it holds while a client is destroyed at the very end.
    """
    words = threading.Timer(seconds - LAST_WORDS_S, _say, [seconds])
    words.daemon = True
    words.start()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)


def _say(seconds: float) -> None:
    tell(log, LogEvent.STOP_OVERDUE, seconds=seconds)
