"""The alerts as the Prometheus operator takes them: the same rules in a resource of Kubernetes."""

from pathlib import Path
from textwrap import indent
from typing import Final

ALERTS: Final = Path("deploy/prometheus/alerts.yml")
RULE: Final = Path("deploy/kubernetes/monitoring/prometheusrule.yaml")
HEAD: Final = f"""\
# Written by `python -m flows.reference.generate` from {ALERTS}.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: offerstream
spec:
"""


def prometheus_rule(alerts: str) -> str:
    """Return a PrometheusRule with the groups of a file of alerts."""
    return HEAD + indent(alerts, "  ")
