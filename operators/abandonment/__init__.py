"""How likely a cart is to be abandoned: models, their calibration, metrics and drift."""
