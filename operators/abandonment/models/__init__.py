"""The table of abandonment models: River classifiers over plain feature dicts, chosen by name."""

from collections.abc import Callable
from typing import Final

from operators.abandonment.models.adpredictor import AdPredictorClassifier
from operators.abandonment.models.base import BinaryClassifier, Features, LinearSum
from operators.abandonment.models.calibrated import CalibratedClassifier
from operators.abandonment.models.logistic import LogisticClassifier
from operators.abandonment.models.mixture import MixtureClassifier
from operators.abandonment.models.trees import ForestClassifier, TreeClassifier
from schemas.errors import SetupError

__all__ = ["MODELS", "BinaryClassifier", "Features", "LinearSum", "build"]


def _auto() -> BinaryClassifier:
    parts = (LogisticClassifier(), AdPredictorClassifier(), TreeClassifier())  # a forest costs ten times more
    return CalibratedClassifier(MixtureClassifier(tuple(CalibratedClassifier(part) for part in parts)))


MODELS: Final[dict[str, Callable[[], BinaryClassifier]]] = {
    "logistic": lambda: CalibratedClassifier(LogisticClassifier()),
    "adpredictor": lambda: CalibratedClassifier(AdPredictorClassifier()),
    "tree": lambda: CalibratedClassifier(TreeClassifier()),
    "forest": lambda: CalibratedClassifier(ForestClassifier()),
    "auto": _auto,
}


def build(name: str) -> BinaryClassifier:
    """A new, calibrated model of that name.

    Raises SetupError, which lists the names, for any other.
    """
    if name not in MODELS:
        raise SetupError(f"MODEL must be one of {', '.join(sorted(MODELS))}; got {name!r}")
    return MODELS[name]()
