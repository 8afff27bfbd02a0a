"""Lists as files that survive any crash, and as streams of bytes."""

from aiozbilling.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
