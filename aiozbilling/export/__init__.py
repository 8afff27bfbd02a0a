"""Exports a list to a file that is complete or absent after any crash, or streams it as bytes."""

from aiozbilling.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
