"""The statement: months, balance, runway and unusual days, computed from records or from the ledger."""

from aiozbilling.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
