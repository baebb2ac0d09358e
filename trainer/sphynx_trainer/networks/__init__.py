"""Families of networks, their exact costs and the plain graphs they are exported as."""
