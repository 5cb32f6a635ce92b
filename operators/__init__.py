"""What is decided: pure machines without a clock, an environment, a network, a disk or a log."""
