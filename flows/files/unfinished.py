"""An output directory that has all of its files, or none of them: what is not finished stands aside."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from flows.files.jsonl import FILES, make_output_directory

ASIDE: Final = ".unfinished"


@contextmanager
def all_or_nothing(directory: Path) -> Iterator[Path]:
    """Give a directory for the output files, which are moved to ``directory`` when the block ends well.

    Otherwise none is left, and what a killed run has left is removed by the next one. Raises SetupError where
    ``directory`` cannot be made or has anything else in it.
    """
    is_new = not directory.exists()
    if (directory / ASIDE).is_dir():
        _remove(directory)
    make_output_directory(directory)
    try:
        aside = directory / ASIDE
        aside.mkdir()
        yield aside
        for path in aside.iterdir():
            path.rename(directory / path.name)
        aside.rmdir()
    except BaseException:
        _remove(directory)
        if is_new:
            with suppress(OSError):
                directory.rmdir()
        raise


def _remove(directory: Path) -> None:
    """Remove what stands aside, and the files that were moved already."""
    shutil.rmtree(directory / ASIDE, ignore_errors=True)
    for name in (name for names in FILES.values() for name in names):
        (directory / f"{name}.jsonl").unlink(missing_ok=True)
