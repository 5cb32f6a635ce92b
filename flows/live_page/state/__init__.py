"""What the page knows: folded from records one by one, each part bounded."""
