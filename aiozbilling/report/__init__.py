"""The report: the statement as one HTML page and as a workbook. Needs the extra ``report``."""

from aiozbilling.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, __file__)
