"""What a market forgets of a person who was erased: hidden at once, and gone once that is sealed."""
