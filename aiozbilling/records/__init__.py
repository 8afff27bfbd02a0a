"""Records: frozen objects with the provider's field names, exact amounts and aware UTC times."""

from aiozbilling.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
