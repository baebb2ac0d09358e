"""ReLUs and what takes their place: masks, lines and quadratics."""
