"""The table of abandonment models: River classifiers over plain feature dicts, chosen by name."""

from collections.abc import Callable
from typing import Final

from operators.abandonment.models.adpredictor import AdPredictor
from operators.abandonment.models.base import Features, Model
from operators.abandonment.models.calibrated import Calibrated
from operators.abandonment.models.logistic import Logistic
from operators.abandonment.models.mixture import Mixture
from operators.abandonment.models.trees import Forest, Tree
from schemas.errors import SetupError

__all__ = ["MODELS", "Features", "Model", "build"]

# The forest stays out of `auto`: it costs ten times as much as the others together.
MODELS: Final[dict[str, Callable[[], Model]]] = {
    "logistic": lambda: Calibrated(Logistic()),
    "adpredictor": lambda: Calibrated(AdPredictor()),
    "tree": lambda: Calibrated(Tree()),
    "forest": lambda: Calibrated(Forest()),
    "auto": lambda: Calibrated(
        Mixture((Calibrated(Logistic()), Calibrated(AdPredictor()), Calibrated(Tree())))
    ),
}


def build(name: str) -> Model:
    """A new, calibrated model of that name.

    Raises SetupError, which lists the names, for any other.
    """
    if name not in MODELS:
        raise SetupError(f"MODEL must be one of {', '.join(sorted(MODELS))}; got {name!r}")
    return MODELS[name]()
