"""What a run's ``summary.json`` says of its markets that its records do not."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import orjson

from flows.studies.summary import SUMMARY
from operators.decisions.order_joins import ORDER_FIGURES
from schemas.errors import DataError


class RunFigures(NamedTuple):
    """By market: the configured holdout, and the figures of all orders that came."""

    holdout: Mapping[str, float]
    orders: Mapping[str, Mapping[str, float]]


def run_figures(directory: Path) -> RunFigures:
    """Return what the summary of a run says, nothing where it has none; DataError where it is broken."""
    path = directory / SUMMARY
    try:
        summary = orjson.loads(path.read_bytes())
        shares = {str(name): float(share) for name, share in summary.get("holdout", {}).items()}
        orders = {
            str(name): {figure: float(found[figure]) for figure in ORDER_FIGURES if figure in found}
            for name, found in summary.get("markets", {}).items()
        }
    except FileNotFoundError:
        return RunFigures({}, {})
    except OSError as error:
        raise DataError(f"{path} must be what replay wrote; got: {error.strerror}") from None
    except (ValueError, AttributeError, TypeError) as error:
        raise DataError(f"{path} must be what replay wrote; got: {error}") from None
    return RunFigures(shares, orders)
