"""Engines and tools that carry this library further, each with an extra of its name."""
