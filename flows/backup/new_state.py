"""A new state directory, which stands in its place as a whole or not at all."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.worker.state_dir import PRIVATE
from schemas.errors import SetupError


def check_new(state: Path, why: str = "") -> None:
    """Raise SetupError, with ``why``, unless there is nothing at a place, or an empty directory."""
    if state.exists() and (not state.is_dir() or any(state.iterdir())):
        raise SetupError(f"--state must be new or empty; got {str(state)!r}{why}")


@contextmanager
def new_state(state: Path, doing: str) -> Iterator[Path]:
    """Yield a directory to be filled beside the place of a state; it takes the place at the end of the block.

    Until then its name ends with what is being done. Nothing is left of it where the block fails. Raises
    SetupError where it cannot be written.
    """
    new = state.with_name(f"{state.name}.{doing}")
    shutil.rmtree(new, ignore_errors=True)
    try:
        new.mkdir(parents=True, mode=PRIVATE)
        yield new
        if state.exists():
            state.rmdir()
        new.rename(state)
    except OSError as error:
        raise SetupError(f"the state in {state} cannot be written: {error}") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
