"""Searching networks under a ReLU budget: cells, places of reduce cells, widths and depths."""
