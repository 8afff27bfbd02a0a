"""Records as flat columns, with one order, name, type, unit and meaning for every format."""

from aiozbilling.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
