"""Many accounts: an accounts file, secrets by reference, one dataset, and one outcome per account."""

from aiozbilling.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
