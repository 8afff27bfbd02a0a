"""Compares this library with alternatives: ``python -m benchmarks``."""
