"""What every station shares: the messages between them, watermarks, event-time timers, ids."""
