"""What the worker tells while it runs: metrics and health."""
