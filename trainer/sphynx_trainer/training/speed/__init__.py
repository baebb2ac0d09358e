"""How a machine trains a network fastest, and how near to its peak that is."""
