"""Several processes as one worker: who owns what, how they meet, keep pace and end together."""
