"""The policies can be used without the rest of the project."""

import subprocess
import sys

PROGRAM = """
import sys
from operators.bandits import LinearThompson
from operators.bandits.spec import policy_from_spec
policy_from_spec("always:ten", seed=1).update("ten", {}, 1.0)
print(" ".join(sorted(sys.modules)))
"""
OURS = ("flows", "operators", "schemas")
ALLOWED = {"operators", "schemas", "schemas.errors"}


def test_the_policies_import_no_other_room_and_none_of_its_libraries():
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert "operators.bandits.linear_thompson" in loaded
    ours = {name for name in loaded if name.split(".")[0] in OURS}
    assert {name for name in ours - ALLOWED if not name.startswith("operators.bandits")} == set()
    assert loaded.isdisjoint({"bytewax", "confluent_kafka", "orjson", "rocksdict"})
