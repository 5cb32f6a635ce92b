"""What a file or a topic would be to the worker: read, counted, and nothing decided."""
