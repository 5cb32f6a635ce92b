"""What to recommend: products that are bought or looked at together, by what shoppers do."""
