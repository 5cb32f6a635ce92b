"""What the worker exposes while it runs: metrics and health."""
