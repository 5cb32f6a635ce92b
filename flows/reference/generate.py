"""The parts of the documents that the code knows better than any page.

``python -m flows.reference.generate`` writes them anew between their markers in the README and in docs/, and
docs/asyncapi.yaml and the alerts for Kubernetes; or only the documents that are named, if any are.
"""

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from flows.reference import tables
from flows.reference.asyncapi import asyncapi
from flows.reference.drawing import READER_NAMES, dataflow, drawing
from flows.reference.prometheus_rule import ALERTS, RULE, prometheus_rule
from flows.reference.yaml_text import yaml_text

ASYNCAPI: Final = Path("docs/asyncapi.yaml")
MARKED: Final = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

GENERATED: Final[Mapping[str, Callable[[], str]]] = {
    "drawing": lambda: f"```mermaid\n{drawing(dataflow(), READER_NAMES)}```\n",
    "settings": tables.settings,
    "topics": tables.topics,
    "metrics": tables.metrics,
    "commands": tables.commands,
    "events": tables.events,
    "policies": tables.policies,
    "schemas": tables.schemas,
    "log_events": tables.log_events,
}


def filled(text: str) -> str:
    """Return a document with everything that is generated written anew between its markers."""
    return MARKED.sub(lambda found: found[1] + GENERATED[found[2]]() + found[3], text)


def main() -> None:
    """Write every document anew, or those that are named."""
    named = [Path(name) for name in sys.argv[1:]]
    if not named:
        ASYNCAPI.write_text(yaml_text(asyncapi()), encoding="utf-8")
        RULE.write_text(prometheus_rule(ALERTS.read_text(encoding="utf-8")), encoding="utf-8")
    for document in named or [Path("README.md"), *sorted(Path("docs").rglob("*.md"))]:
        document.write_text(filled(document.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
