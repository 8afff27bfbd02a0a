"""Clients of the three systems: tables of endpoints and typed methods."""
