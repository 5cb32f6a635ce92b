"""Whether the packages are there that only the page needs."""

from importlib.util import find_spec
from typing import Final

from schemas.errors import SetupError

PACKAGES: Final = ("starlette", "uvicorn", "jinja2")


def check_installed() -> None:
    """Raise SetupError where a package of the page is missing, and say how to get it."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise SetupError(
            f"the live page needs packages that are not installed, {', '.join(missing)}: "
            "pip install 'offerstream[ui]'"
        )
