"""Sphynx: networks of cells whose only nonlinearity is their last ReLU."""
