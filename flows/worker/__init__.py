"""The long-running worker: its state directory, its shutdown, and its process settings."""
