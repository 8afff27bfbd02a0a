"""Writes the API reference `aiozbilling/README.md` from signatures and docstrings: `python -m tests.api_reference`."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Any, cast

import griffe

PACKAGE = Path(__file__).parents[1] / "aiozbilling"
PAGE = PACKAGE / "README.md"

# The packages with public names, in the order of the page. Each has a stub, or names its exports in `__all__`.
PACKAGES = {
    "aiozbilling": "Clients, lists, records and errors",
    "aiozbilling.export": "Exports",
    "aiozbilling.sync": "The ledger",
    "aiozbilling.tables": "Columns and Arrow",
    "aiozbilling.statement": "The statement",
    "aiozbilling.report": "The report",
    "aiozbilling.fleet": "Many accounts",
    "aiozbilling.web": "Web backends",
    "aiozbilling.integrations.opentelemetry": "OpenTelemetry",
    "aiozbilling.integrations.spark": "Spark",
    "aiozbilling.integrations.dlt": "dlt",
    "aiozbilling.simulator": "The simulator",
}
TITLES = {
    "clients": "Clients",
    "listing": "Lists",
    "records": "Records",
    "exchange": "Calls",
    "statement": "Sums",
    "errors": "Errors",
}
_WIDTH = 108  # characters of a line that GitHub shows without a scroll bar
HEAD = """# API reference

All public names, with their types, units and defaults. This page is generated from the signatures and docstrings by
`python -m tests.api_reference`; a test compares it with the code.

Times are `datetime` in UTC, amounts are exact `Decimal`, sizes are bytes and durations are seconds unless a name or a
description says otherwise. Parameters after `*` are keyword-only.
"""


def public_names(package: str) -> dict[str, str]:
    """Return the public names of a package, each with the module that defines it."""
    folder = PACKAGE.parent.joinpath(*package.split("."))
    stub, module = folder / "__init__.pyi", folder / "__init__.py"
    source = stub if stub.exists() else module if module.exists() else folder.with_suffix(".py")
    tree = ast.parse(source.read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name: str(node.module)
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    if source == stub:
        return imported
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return {name: imported.get(name, package) for name in ast.literal_eval(node.value)}
    return {}


def reference() -> str:
    """Return the page."""
    loader = griffe.GriffeLoader(
        docstring_parser="google", docstring_options={"warnings": False}, search_paths=[PACKAGE.parent]
    )
    root = cast("griffe.Module", loader.load("aiozbilling"))
    parts = [HEAD]
    for package, title in PACKAGES.items():
        if (
            not PACKAGE.parent.joinpath(*package.split(".")).is_dir()
            and not PACKAGE.parent.joinpath(*package.split(".")).with_suffix(".py").exists()
        ):
            continue
        parts.append(f"## {title}\n\n`{package}`\n")
        subpackages: dict[str, list[griffe.Object]] = {}
        for name, module in sorted(public_names(package).items(), key=lambda item: item[0].lower()):
            found = _resolved(root, module, name)
            subpackages.setdefault(module.split(".")[1] if package == "aiozbilling" else "", []).append(found)
        for subpackage in sorted(subpackages, key=[*TITLES, *subpackages].index):
            if subpackage:
                parts.append(f"### {TITLES.get(subpackage, subpackage.capitalize())}\n")
            parts += [_described(found) for found in subpackages[subpackage]]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts)).rstrip() + "\n"


def _resolved(root: griffe.Module, module: str, name: str) -> Any:
    found: Any = root[f"{module}.{name}".removeprefix("aiozbilling.")]
    while found.is_alias:
        found = found.final_target
    return found[name] if found.is_module else found  # a module may be named like what it defines


def _described(found: Any, level: int = 4) -> str:
    if found.is_class:
        return _class(found, level)
    if found.is_function:
        return _function(found, level)
    value = "" if found.value is None else f" = {_code(str(found.value))}"
    lines = [f"{'#' * level} `{found.name}`", "", f"`{found.name}{value.replace('`', '')}`", "", _text(found)]
    return "\n".join(lines) + "\n"


def _class(found: Any, level: int) -> str:
    bases = [str(base).rpartition(".")[2] for base in found.bases]
    heading = f"{found.name}({', '.join(bases)})" if bases else found.name
    lines = [f"{'#' * level} `{found.name}`", "", f"`class {heading}`", "", _text(found)]
    constructor = next((member for member in _members(found) if member.name == "__init__"), None)
    if constructor is not None and constructor.is_function and not constructor.is_alias:
        lines += ["", *_parameters(constructor, found)]
    lines += _fields(found)
    for member in _members(found):
        if member.is_function and not member.name.startswith("_") and "overload" not in _decorators(member):
            lines += ["", _function(member, level + 1, owner=found.name)]
    return "\n".join(lines) + "\n"


def _members(found: Any) -> list[Any]:
    """Return the members of a class, with those of its bases that have no entry of their own."""
    hidden = [base for base in found.mro() if base.name not in public_names("aiozbilling")]
    members = {name: member for owner in [*reversed(hidden), found] for name, member in owner.members.items()}
    return list(members.values())


def _fields(found: Any) -> list[str]:
    """Return the table of the attributes. If any has a default, there is a column of defaults."""
    told = {item.name: item for section in _sections(found, "attributes") for item in section.value}
    rows: list[tuple[str, str, str, str]] = []
    for member in _members(found):
        if member.name.startswith("_") or not member.is_attribute:
            continue
        section = told.pop(member.name, None)
        meaning = _one_line(_text(member)) or (_one_line(section.description) if section else "")
        if "StrEnum" in map(str, found.bases) and (value := _enum_value(member)):
            rows.append((member.name, repr(value[0]), "", _one_line(value[1])))
        else:
            rows.append((member.name, _type(member, found), _default(member), meaning))
    rows += [(name, str(item.annotation or ""), "", _one_line(item.description)) for name, item in told.items()]
    if not rows:
        return []
    if any(default for _, _, default, _ in rows):
        table = [
            f"| `{name}` | {_code(kind)} | {_code(default)} | {meaning} |" for name, kind, default, meaning in rows
        ]
        return ["", "| field | type | default | meaning |", "|---|---|---|---|", *table]
    return [
        "",
        "| field | type | meaning |",
        "|---|---|---|",
        *(f"| `{name}` | {_code(kind)} | {meaning} |" for name, kind, _, meaning in rows),
    ]


def _default(member: Any) -> str:
    """Return the default of an attrs field, or an empty text."""
    if member.value is None or member.annotation is None or "class-attribute" not in member.labels:
        return ""  # the constructor assigns the others
    value = ast.parse(str(member.value), mode="eval").body
    if isinstance(value, ast.Call):  # attrs.field(default=…)
        return next((ast.unparse(word.value) for word in value.keywords if word.arg == "default"), "")
    return ast.unparse(value)


def _enum_value(member: Any) -> tuple[str, str] | None:
    """Return the value and the description of a member such as `HANG = "hang", "no reply ever comes"`."""
    value = ast.literal_eval(str(member.value)) if member.value is not None else None
    return value if isinstance(value, tuple) else None


def _type(member: Any, owner: Any) -> str:
    """Return the type of an attribute: its own annotation, that of the argument it is set from, or its value's type."""
    if member.annotation is not None:
        return str(member.annotation)
    constructor = owner.members.get("__init__")
    for parameter in constructor.parameters if constructor is not None else ():
        if parameter.name == member.name:
            return str(parameter.annotation)
    value = str(member.value)
    return "bool" if value in ("True", "False") else "str" if re.fullmatch("\"[^\"]*\"|'[^']*'", value) else ""


def _function(found: Any, level: int, owner: str = "") -> str:
    name = f"{owner}.{found.name}" if owner else found.name
    prefix = "async " if "async" in found.labels else ""
    marks = [
        mark for mark in ("property", "classmethod", "staticmethod") if mark in {*found.labels, *_decorators(found)}
    ]
    returns = f" -> {found.returns}" if found.returns else ""
    signature = prefix + name + _signature(found, _WIDTH - len(prefix + name + returns)) + returns
    lines = [
        f"{'#' * level} `{name}`",
        "",
        "```text",
        *([f"@{marks[0]}"] if marks else []),
        signature,
        "```",
        "",
        _text(found),
    ]
    lines += ["", *_parameters(found, found)]
    raised = [item for section in _sections(found, "raises") for item in section.value]
    if raised:
        lines += ["", "Raises:", "", *(f"- `{item.annotation}`: {_one_line(item.description)}" for item in raised)]
    return "\n".join(lines) + "\n"


def _signature(found: Any, width: int) -> str:
    words, keyword_only = [], False
    for parameter in found.parameters:
        if parameter.name in ("self", "cls"):
            continue
        kind = str(parameter.kind.value)
        if kind == "keyword-only" and not keyword_only:
            keyword_only = True
            words.append("*")
        star = {"variadic positional": "*", "variadic keyword": "**"}.get(kind, "")
        default = f"={parameter.default}" if parameter.default is not None and not star else ""
        words.append(f"{star}{parameter.name}{default}")
    text = ", ".join(words)
    return f"({text})" if len(text) + 2 <= width else "(\n    " + ",\n    ".join(words) + ",\n)"


def _parameters(function: Any, documented: Any) -> list[str]:
    told = {
        item.name.lstrip("*"): item
        for holder in (documented, function)
        for section in _sections(holder, "parameters")
        for item in section.value
    }
    rows = []
    for parameter in function.parameters:
        if parameter.name in ("self", "cls"):
            continue
        item = told.get(parameter.name)
        default = "" if parameter.default is None else _code(str(parameter.default))
        meaning = _one_line(item.description) if item else ""
        rows.append(f"| `{parameter.name}` | {_code(str(parameter.annotation or ''))} | {default} | {meaning} |")
    return ["| parameter | type | default | meaning |", "|---|---|---|---|", *rows] if rows else []


def _text(found: Any) -> str:
    sections = _sections(found, "text") + _sections(found, "admonition")
    return "\n\n".join(_prose(section) for section in sections).strip()


def _prose(section: Any) -> str:
    if section.kind.value == "admonition":
        return f"{section.title or section.value.kind.capitalize()}: {section.value.description}"
    text = re.sub(r"``([^`]+)``", r"`\1`", str(section.value))
    blocks = re.split(r"::\n\n((?:    .*\n?|\n)+)", text + "\n")
    for i in range(1, len(blocks), 2):
        blocks[i] = "\n\n```text\n" + re.sub(r"^    ", "", blocks[i], flags=re.MULTILINE).strip() + "\n```\n\n"
    return "".join(blocks).strip()


def _sections(found: Any, kind: str) -> list[Any]:
    if found.docstring is None:
        return []
    return [section for section in found.docstring.parsed if section.kind.value == kind]


def _decorators(found: Any) -> list[str]:
    return [str(decorator.value).rpartition(".")[2] for decorator in getattr(found, "decorators", [])]


def _one_line(text: str) -> str:
    return re.sub(r"``([^`]+)``", r"`\1`", " ".join(text.split())).replace("|", "\\|")


def _code(text: str) -> str:
    return f"`{' '.join(text.split())}`".replace("|", "\\|") if text else ""


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(PAGE.read_text(encoding="utf-8") != reference())
    PAGE.write_text(reference(), encoding="utf-8")
