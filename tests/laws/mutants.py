"""One small patch per law, applied in a copy of the tree, under which the law's tests must fail.

Run by ``make mutants``. Exits with 1 when a law stays green under its patch, when a patch no longer applies,
or when the tests fail without any patch.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(".*", "build", "__pycache__", "*.egg-info", "docs")
PASSED, FAILED = 0, 1
WITHIN_S = 300


class Mutant(NamedTuple):
    """A law, what breaks it, and the tests that must notice."""

    law: str
    breaks: str
    file: str
    old: str
    new: str
    tests: str


CRASH = "tests/laws/test_crash.py"
MUTANTS = (
    Mutant(
        "1 batching changes nothing",
        "buffered events are processed in the order of arrival",
        "operators/sessions/shard.py",
        "            due.sort(key=place)\n",
        "",
        "tests/laws/test_batching.py::test_the_order_of_arrival_changes_nothing",
    ),
    Mutant(
        "2 a crash changes nothing",
        "what is in the topic is written again",
        "flows/kafka/sink.py",
        "if self._already_written and self._already_written.pop(output.id, None) is not None:",
        "if self._already_written.pop(output.id, None) is not None and False:",
        f"{CRASH}::test_a_crash_at_any_point_changes_nothing[before_seal:2 then resume_scan]",
    ),
    Mutant(
        "2 a crash changes nothing",
        "what an unsealed epoch left is taken for state",
        "flows/stores/bytewax_recovery.py",
        "    drop_unsealed(directory)\n    return",
        "    return",
        "tests/flows/stores/test_bytewax_recovery.py",
    ),
    Mutant(
        "2 a crash changes nothing",
        "an order that is read again is taken for one that is told again",
        "operators/decisions/orders.py",
        "booked.found_by != order.position",
        "True",
        "tests/operators/decisions/test_orders.py",
    ),
    Mutant(
        "2 a crash changes nothing",
        "a decision reads what the catalog says now, not at its moment",
        "flows/stores/catalog.py",
        "        if known_s <= at_s:\n",
        "        if known_s <= at_s or True:\n",
        "tests/laws/test_catalog.py",
    ),
    Mutant(
        "9 limits hold",
        "offers stay open on what has sold out",
        "operators/decisions/decision_machine.py",
        'ending = Ending(at_s, "out_of_stock", event.id, None, event.trace)\n',
        "continue\n",
        "tests/laws/test_catalog.py::test_no_offer_is_open_on_what_is_sold_out",
    ),
    Mutant(
        "3 live equals replay",
        "live processes events as they come",
        "flows/worker/live.py",
        "            ordered=ordered,\n            emit_after_s=",
        "            ordered=False,\n            emit_after_s=",
        f"{CRASH}::test_live_says_and_learns_what_a_replay_of_the_same_log_does",
    ),
    Mutant(
        "4 nothing is lost",
        "rejected messages are not counted",
        "operators/ingest/partition_reader.py",
        "        self.counts.rejected += 1\n",
        "",
        "tests/laws/test_nothing_lost.py",
    ),
    Mutant(
        "4 nothing is lost",
        "an event of a batch that is rejected takes the rest along",
        "operators/ingest/partition_reader.py",
        "                rejected.append(self._rejected(part, invalid))\n",
        "                rejected.append(self._rejected(part, invalid))\n                break\n",
        "tests/laws/test_nothing_lost.py",
    ),
    Mutant(
        "5 a question teaches nothing",
        "a score is a small lesson too",
        "operators/abandonment/abandonment_model.py",
        "        return self.classifier.probability(features)\n",
        "        return self.classifier.predict_then_learn(features, True, 0.01)\n",
        "tests/laws/test_questions.py",
    ),
    Mutant(
        "6 state is bounded",
        "what was offered in hours long past is counted for ever",
        "operators/decisions/rules/market_caps.py",
        "                del windows[start_s]\n",
        "                pass\n",
        "tests/laws/test_bounded.py::test_everything_kept_stops_growing_under_a_steady_load",
    ),
    Mutant(
        "6 state is bounded",
        "who is held out is remembered for ever",
        "operators/decisions/decision_machine.py",
        "            self._assignments.forget(time_s, kept_s)\n",
        "",
        "tests/laws/test_bounded.py::test_everything_kept_stops_growing_under_a_steady_load",
    ),
    Mutant(
        "7 probabilities are honest",
        "the likeliest arm is taken, whatever is logged",
        "operators/bandits/policy.py",
        "return pick(found, uniform(seed)), found",
        "return max(found, key=found.__getitem__), found",
        "tests/laws/test_probabilities.py::test_a_long_run_of_choices_matches_the_probabilities",
    ),
    Mutant(
        "8 one open offer per cart",
        "a cart with an open decision is decided upon again",
        "operators/decisions/decision_machine.py",
        "            or (is_touched and self._is_decided(moment, seen.visitors))\n",
        "",
        "tests/laws/test_one_offer.py",
    ),
    Mutant(
        "8 one open offer per cart",
        "a purchase revokes nothing",
        "operators/decisions/decision_machine.py",
        "return records + self._life.bought(order, self._bought_from(visitors, order.at_s))",
        "return records",
        "tests/laws/test_one_offer.py",
    ),
    Mutant(
        "8 one open offer per cart",
        "what a person was offered on another device holds nothing up",
        "operators/decisions/rules/person_history.py",
        "        names = [*map(visitor_name, visitors), *map(user_name, users)]\n",
        "        names = [visitor_name(visitors[0])]\n",
        "tests/laws/test_one_offer.py",
    ),
    Mutant(
        "8 one open offer per person",
        "an open offer does not hold up another",
        "operators/decisions/rules/open_offer.py",
        "                return REASON\n",
        "                return None\n",
        "tests/laws/test_one_offer.py",
    ),
    Mutant(
        "9 limits hold",
        "a cap counts what one visitor had, not the person",
        "operators/decisions/rules/person_history.py",
        "        names = [*map(visitor_name, visitors), *map(user_name, users)]\n",
        "        names = [visitor_name(visitors[0])]\n",
        "tests/laws/test_caps.py",
    ),
    Mutant(
        "9 limits hold",
        "after a crash a market's cap counts from zero",
        "operators/decisions/rules/market_caps.py",
        "        self._counts = msgspec.msgpack.decode(state, type=Counts)\n",
        "",
        "tests/laws/test_caps.py",
    ),
    Mutant(
        "9 limits hold",
        "what open offers can still cost is not reserved",
        "operators/decisions/budgets/account.py",
        "        return self.cost if self.is_released else max(self.most, self.cost)\n",
        "        return self.cost\n",
        "tests/laws/test_limits_hold.py",
    ),
    Mutant(
        "9 limits hold",
        "after a crash what was offered since the snapshot is not reserved",
        "operators/decisions/decision_machine.py",
        "            self._rules.decided(entry)\n            self._seq",
        "            self._seq",
        "tests/operators/decisions/rules/test_budget.py",
    ),
    Mutant(
        "10 history does not speak",
        "moments before the first start are decided upon",
        "operators/decisions/decision_machine.py",
        "moment.at_s < settings.emit_after_s\n",
        "False\n",
        "tests/laws/test_history.py::test_nothing_is_decided_or_offered_for_a_moment_of_history",
    ),
    Mutant(
        "11 the same features",
        "the score is missing from what is learned",
        "operators/decisions/decision_record.py",
        "        features=point.context,\n        decided=",
        "        features=moment.features,\n        decided=",
        "tests/laws/test_same_features.py",
    ),
    Mutant(
        "12 one bad part costs itself",
        "an invalid optional field rejects its event",
        "schemas/adapters/mending.py",
        "        if not repairs:\n",
        "        if repairs:\n",
        "tests/schemas/test_mending.py::test_whatever_stands_in_an_optional_field_the_event_is_taken",
    ),
    Mutant(
        "12 one bad part costs itself",
        "a line that is no object is read as one",
        "schemas/adapters/lines.py",
        '        if not isinstance(line, dict):\n            self._note("items")\n            return None\n',
        "        if not isinstance(line, dict):\n            return line\n",
        "tests/schemas/test_lines.py::test_an_order_with_one_odd_line_is_the_order_of_its_good_lines",
    ),
    Mutant(
        "12 one bad part costs only itself",
        "an optional field that is invalid rejects the event",
        "schemas/adapters/decoded.py",
        "        event, dropped = mended(given, error, validate, strict=strict)\n",
        "        raise\n",
        "tests/laws/test_one_bad_part.py",
    ),
    Mutant(
        "13 one clock",
        "time follows the fastest clock",
        "operators/ingest/event_time.py",
        "times_s[(len(times_s) - 1) // 2]",
        "times_s[-1]",
        "tests/laws/test_clocks.py",
    ),
    Mutant(
        "14 silence is loud",
        "a run of which nothing was taken ends well",
        "flows/studies/ending.py",
        '    if not taken:\n        raise NothingTakenError(" ".join(said))\n',
        "",
        "tests/laws/test_silence.py::test_a_run_over_files_says_that_most_was_refused",
    ),
    Mutant(
        "14 silence is loud",
        "a worker that takes nothing is well",
        "flows/observability/reject_watch.py",
        "        if rejected >= MANY and rejected > SHARE * read:\n",
        "        if False:\n",
        "tests/laws/test_silence.py::test_a_worker_says_that_most_is_refused",
    ),
    Mutant(
        "14 silence is loud",
        "every order is taken for one that joined",
        "operators/decisions/orders.py",
        "diagnosis.order_came(keys_of(order), joined=booked.joined)",
        "diagnosis.order_came(keys_of(order), joined=True)",
        "tests/laws/test_silence.py::test_a_run_over_files_says_that_no_order_ever_joined",
    ),
    Mutant(
        "15 an order counts once",
        "who tells it again has it counted again",
        "operators/decisions/orders.py",
        "booked.decision is not None and booked.found_by != order.position",
        "False",
        "tests/laws/test_orders_count_once.py",
    ),
    Mutant(
        "15 an order counts once",
        "an order told again closes the next cart",
        "operators/sessions/session_machine.py",
        "        if self._orders.holds(market, order.order):\n",
        "        if not order.is_home:\n",
        "tests/laws/test_orders_count_once.py",
    ),
    Mutant(
        "16 a snapshot costs what changed",
        "timers that were written are written again",
        "operators/state/timer_table.py",
        "            self._sealing, self._changed = self._changed, {}\n",
        "            self._sealing = self._changed\n",
        "tests/laws/test_snapshots.py",
    ),
    Mutant(
        "16 a snapshot costs what changed",
        "all that was left behind is written again",
        "operators/state/map_table.py",
        "            changed, self._changed = self._changed, {}\n",
        "            changed, self._changed = {name: 1 for name in items}, {}\n",
        "tests/laws/test_snapshots.py",
    ),
    Mutant(
        "2 a crash changes nothing",
        "rows reach the disk before their snapshot is sealed",
        "operators/state/rows.py",
        "            store.write(self._number, self._sealing)\n",
        "            pass\n",
        "tests/operators/state/test_rows.py",
    ),
)


def misfits(mutants: tuple[Mutant, ...] = MUTANTS, root: Path = ROOT) -> list[str]:
    """The mutants whose old text does not stand exactly once in its file."""
    return [
        f"{one.law}: {one.file}: {one.breaks}"
        for one in mutants
        if (root / one.file).read_text().count(one.old) != 1
    ]


def run(copy: Path, *tests: str) -> tuple[int, str]:
    """The exit status of pytest over these tests in the copy, and its last lines."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--rootdir", str(copy)]
    env = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "LAWS_MUTANT": "1"}
    try:
        done = subprocess.run(
            [*command, *tests],
            cwd=copy,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=WITHIN_S,
        )
    except subprocess.TimeoutExpired:
        return -1, f"not over within {WITHIN_S} s"
    return done.returncode, done.stdout[-3000:] + done.stderr[-2000:]


def check_imports(copy: Path) -> None:
    """Raise unless Python run in the copy imports the copy's rooms, not the installed ones."""
    script = "import flows, operators, schemas; print(flows.__file__, operators.__file__, schemas.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=True,
    )
    if not all(Path(path).is_relative_to(copy) for path in done.stdout.split()):
        raise SystemExit(f"the copy is not what is imported: {done.stdout}")


def tried(one: Mutant, copy: Path) -> tuple[int, str]:
    """What the law's tests say while the patch is applied to the copy."""
    path = copy / one.file
    whole = path.read_text()
    path.write_text(whole.replace(one.old, one.new))
    try:
        return run(copy, one.tests)
    finally:
        path.write_text(whole)


def tell(*lines: str) -> None:
    """Say something to whoever waits."""
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Try every mutant and print what came of it; 0 if all turned red."""
    if found := misfits():
        tell("these patches no longer apply:", *found)
        return 1
    failures = 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as directory:
        copy = (Path(directory) / "tree").resolve()
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        check_imports(copy)
        status, words = run(copy, *dict.fromkeys(one.tests for one in MUTANTS))
        if status != PASSED:
            tell("the laws' tests fail without any mutant:", words)
            return 1
        tell(f"{'law':28} {'mutant':48} {'seconds':>7} red?   tests")
        for one in MUTANTS:
            began_s = time.monotonic()
            status, words = tried(one, copy)
            took_s = time.monotonic() - began_s
            red = status == FAILED
            verdict = "red" if red else "GREEN" if status == PASSED else "BROKEN"
            tell(f"{one.law:28} {one.breaks:48} {took_s:7.1f} {verdict:6} {one.tests}")
            if not red:
                failures += 1
                tell(words)
    tell(f"{len(MUTANTS) - failures} of {len(MUTANTS)} mutants turned their law red")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
