"""An exported graph as a network that trains on."""
