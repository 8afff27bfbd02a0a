"""Records as flat columns, with the same names, order, types, units and meanings in every format."""

from aiozbilling.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
