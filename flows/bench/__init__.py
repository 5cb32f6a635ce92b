"""How fast, how late, how big: each figure beside a yardstick that was measured in the same run."""
