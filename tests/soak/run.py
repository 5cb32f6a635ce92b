"""``make soak``: a busy shop with restarts for twenty minutes or for hours, and whether anything grows.

The shop's time runs so fast that what is kept longest, 35 days, is let go of before the figures are judged.
Twenty minutes are the least in which the memory of one process, which fills for six, can be judged.
Restarts are SIGTERM and kill -9 in turns. Prints a table; exits with 1 where a figure grows (see slopes.py),
where one could not be judged, or where the worker ended, logged an error or was unwell.
"""

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.brokers import GivenBroker, broker_class
from tests.soak.soak import SPIN, Plan, Soak, opened
from tests.soak.table import table

KEPT_DAYS = 36
WARM_SHARE = 0.35
"""What happens in this share of the run is not judged."""


def main(words: list[str] | None = None) -> int:
    """Run it; 0 if all is well."""
    args = _arguments(words)
    length_s = args.minutes * 60
    plan = Plan(length_s, args.rate, KEPT_DAYS * 86_400 / (length_s * WARM_SHARE), args.seed)
    with ExitStack() as parts:
        kept = args.keep or Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        kept.mkdir(parents=True, exist_ok=True)
        given = ":" in args.broker
        broker = GivenBroker(args.broker) if given else parts.enter_context(broker_class(args.broker)())
        soak = parts.enter_context(opened(broker.bootstrap, kept, plan))
        try:
            soak.run()
        finally:
            (kept / "samples.tsv").write_text(
                "".join(
                    f"{name}\t{at_s:.1f}\t{value:g}\n"
                    for name, samples in soak.figures.items()
                    for at_s, value in samples
                )
            )
            is_well = tell(soak)
    return 0 if is_well else 1


def tell(soak: Soak) -> bool:
    """Print what came of it; return whether all is well."""
    lines, flat = table(soak.figures, soak.plan.length_s * WARM_SHARE)
    lines += [f"WRONG {times} times: {what}" for what, times in soak.wrong.items()]
    lines += [f"noted {times} times: {what}" for what, times in soak.noted.items()]
    spins = [each.value for each in soak.figures.get(SPIN, ())] or [0.0]
    lines.append(
        f"{soak.at_s / 60:.0f} minutes at {soak.plan.speed:.0f} times the usual speed: {soak.shop.events} "
        f"events, {soak.shop.decisions} decisions, {soak.shop.offers} offers; {soak.restarts} restarts, "
        f"{soak.kills} of them kill -9; a million additions took {min(spins):.0f} to {max(spins):.0f} ms"
    )
    sys.stdout.write("\n".join(lines) + "\n")
    return flat and not soak.wrong


def _arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make soak", description="See whether anything of the worker grows."
    )
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=100.0, help="events a second (default: %(default)s)")
    parser.add_argument("--broker", default="embedded", metavar="embedded|apache|HOST:PORT")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a directory for the samples, the worker's state and log")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
