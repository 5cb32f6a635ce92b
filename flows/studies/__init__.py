"""Questions asked of recorded events and of finished runs."""
