"""What the page says: sentences, tables and plots made of its state."""
