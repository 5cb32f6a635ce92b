"""Where offerstream touches the world, and the drawing of the page."""
