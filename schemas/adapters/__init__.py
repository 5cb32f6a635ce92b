"""Translations of what shops already emit into native events."""
