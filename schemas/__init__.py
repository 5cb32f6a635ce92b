"""The words: events in, offers and decisions out, rejected ones, and adapters for what shops already emit."""
