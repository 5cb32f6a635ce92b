"""What stations remember: rows of which a snapshot holds only those that changed."""
