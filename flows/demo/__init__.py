"""Everything at once in one terminal: broker, shoppers, worker."""
