"""Two online recalibrations of a probability: histogram and tracking."""
