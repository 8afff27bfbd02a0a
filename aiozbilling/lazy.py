"""Loads the public names of a package on first use, as its stub file (``__init__.pyi``) declares them.

So importing one error, or showing the command line's help, loads no HTTP library. The stub is the only place that names
an export: type checkers read it as usual, and this module reads the same lines at run time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["lazy_names"]


def lazy_names(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` for a package whose stub lies next to its `file`."""
    modules = _modules_of_names(f"{file.rpartition('.')[0]}.pyi")

    def load(name: str) -> Any:
        if name == "__version__" and package == "aiozbilling":
            from importlib.metadata import version

            return version(package)
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(modules[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *modules})

    return load, names, sorted(modules)


def _modules_of_names(stub: str) -> dict[str, str]:
    """Read ``from MODULE import (`` and the lines ``NAME as NAME,`` that follow it."""
    modules: dict[str, str] = {}
    module = ""
    with open(stub, encoding="utf-8") as lines:  # noqa: PTH123 - pathlib is not loaded by `import aiozbilling`
        for line in lines:
            words = line.replace(",", " ").split()
            if words[:1] == ["from"]:
                module, words = words[1], words[3:]
            for name, word, alias in zip(words, words[1:], words[2:], strict=False):
                if word == "as" and name == alias:
                    modules[name] = module
    return modules
