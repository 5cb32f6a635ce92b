"""Whether somebody is there to whom the page can be shown, and how."""

import os
import sys
import webbrowser
from collections.abc import Mapping
from contextlib import suppress


def is_watched(environment: Mapping[str, str] = os.environ, *, is_terminal: bool | None = None) -> bool:
    """Return whether a browser is to be opened: a person at a terminal of a machine with a screen, no CI."""
    terminal = sys.stdout.isatty() if is_terminal is None else is_terminal
    has_screen = sys.platform == "darwin" or bool(
        environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    )
    return terminal and has_screen and not environment.get("CI")


def opened(url: str) -> bool:
    """Open an address in a browser; return whether that worked."""
    with suppress(webbrowser.Error, OSError):
        return webbrowser.open(url)
    return False
