"""What a demo leaves behind: its records, its offers and a report in a directory of its own."""

import shutil
from itertools import count
from pathlib import Path
from typing import Final

from flows.demo.settings import OFFERS
from flows.kafka.cluster import Cluster
from flows.settings import Settings
from flows.studies.export import export_topics
from flows.studies.report.gather import gather
from flows.studies.report.page import page

NAME: Final = "offerstream-demo"


def free_directory(beside: Path) -> Path:
    """Return a directory for a demo that is not there yet: ``offerstream-demo``, or with a number."""
    names = (NAME if number == 1 else f"{NAME}-{number}" for number in count(1))
    return next(path for path in map(beside.joinpath, names) if not path.exists())


def leave_behind(settings: Settings, cluster: Cluster, out: Path, log: Path) -> Path:
    """Write the records of the topics, the offers and the worker's log; return the path of the report."""
    export_topics(cluster, settings.output_topics, out)
    shutil.copy(OFFERS, out / "offers.toml")
    shutil.copy(log, out / "worker.log")
    report = out / "report.html"
    report.write_text(page(out.name, gather(out)), encoding="utf-8")
    return report
