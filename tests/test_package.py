"""The whole package: its exports, its imports at run time, and which subpackage may import which."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from functools import cache
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

import aiozbilling

PACKAGE = Path(aiozbilling.__file__).parent
STUBS = sorted(PACKAGE.rglob("__init__.pyi"))
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)

# A subpackage may import those to the left of it.
SUBPACKAGES = (
    "lazy",
    "errors",
    "records",
    "tables",
    "exchange",
    "listing",
    "clients",
    "export",
    "sync",
    "statement",
    "report",
    "fleet",
    "web",
    "integrations",
    "cli",
)
CLIENTS = {f"clients/{name}.py" for name in ("client", "aioz", "b3os", "token")}
HTTP_MODULES = {"exchange/transport.py", "exchange/connections.py", *CLIENTS}
CATTRS_MODULES = {"exchange/structure.py", "exchange/validation.py"}


def subpackage_of(path: Path) -> str:
    """Return the subpackage of a module."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def tree_of(path: Path) -> ast.Module:
    """Parse a module, once for all tests."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports_of(path: Path) -> set[str]:
    """Collect the full names of the modules that a module imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names.add(node.module or "")
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def roots_of(path: Path) -> set[str]:
    """Collect the top-level packages that a module imports."""
    return {name.partition(".")[0] for name in imports_of(path)}


def loaded_by(statement: str) -> set[str]:
    """Run a statement in a new interpreter and return the modules that it loaded."""
    script = f"import sys\n{statement}\nimport json\nprint(json.dumps(sorted(sys.modules)))"
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")
    }  # loads sqlite3
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, cwd=PACKAGE.parent, env=environment
    )
    return set(json.loads(done.stdout))


def test_the_retry_library_is_loaded_when_a_client_is_built():
    """Importing a client does not load tenacity. Creating one does, so that no failed call blocks the loop."""
    assert "tenacity" not in loaded_by("from aiozbilling import AiozBilling")
    assert "tenacity" in loaded_by("from aiozbilling import AiozBilling\nAiozBilling(token='token')")


def test_each_public_name_can_be_had():
    """Each name of `__all__` can be imported, by attribute and by star import, and `dir` shows it."""
    namespace: dict[str, object] = {}
    exec("from aiozbilling import *", namespace)
    for name in aiozbilling.__all__:
        assert getattr(aiozbilling, name) is namespace[name]
        assert name in dir(aiozbilling)


@pytest.mark.parametrize("stub", STUBS, ids=lambda path: path.parent.name)
def test_each_public_name_is_declared_once(stub):
    """A package with a stub exports exactly the names of its stub, each from the module where it is defined."""
    package = import_module(".".join(stub.parent.relative_to(PACKAGE.parent).parts))
    declared = [
        (node.module, alias.name)
        for node in ast.parse(stub.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    assert sorted(name for _, name in declared) == sorted(package.__all__)
    for module, name in declared:
        assert getattr(package, name) is getattr(import_module(module), name)
        assert name in dir(package)


def test_the_version_is_the_distributions():
    """`aiozbilling.__version__` is the version that pip shows."""
    assert aiozbilling.__version__ == version("aiozbilling")


def test_an_unknown_name_is_an_attribute_error():
    """A misspelt name fails as in any module."""
    with pytest.raises(AttributeError, match="no attribute 'AiozBiling'"):
        _ = aiozbilling.AiozBiling


def test_importing_the_package_is_light():
    """`import aiozbilling` loads no HTTP library, no decoder, no extra and none of its own subpackages."""
    loaded = loaded_by("import aiozbilling")
    heavy = {"aiohttp", "msgspec", "cattrs", "attrs", "tenacity", "typer", "rich", "pyarrow", "pandas", "asyncio"}
    assert loaded & heavy == set()
    assert {name for name in loaded if name.startswith("aiozbilling")} == {"aiozbilling", "aiozbilling.lazy"}


def test_the_clients_load_no_server_and_no_extra():
    """Using every public name loads neither the simulator, nor aiohttp's server, nor the packages of the extras."""
    loaded = loaded_by("from aiozbilling import *")
    unwanted = {"aiohttp.web", "typer", "rich", "pyarrow", "pandas", "sqlite3", "aiozbilling.simulator", "requests"}
    assert "aiohttp.client" in loaded
    assert loaded & unwanted == set()
    assert {"aiozbilling.export", "aiozbilling.cli"} & loaded == set()


def test_the_pytest_plugin_is_light():
    """The plugin, which every test run of a user imports, loads neither the clients nor a server."""
    loaded = loaded_by("import aiozbilling.simulator.pytest_plugin")
    assert {"aiohttp.web", "aiozbilling.simulator.server", "aiozbilling.exchange"} & loaded == set()


def forbidden_imports(path: Path) -> set[str]:
    """Collect the subpackages that a module imports although it must not."""
    subpackage = subpackage_of(path)
    ours = {name.split(".")[1] for name in imports_of(path) if name.startswith("aiozbilling.")}
    if subpackage == "simulator":
        return ours - {"simulator", "lazy"}
    if subpackage not in SUBPACKAGES:
        return set() if path.name in ("__init__.py", "__main__.py") else {subpackage}
    allowed = set(SUBPACKAGES[: SUBPACKAGES.index(subpackage) + 1])
    # The command line starts an embedded simulator; it may use every public name.
    allowed |= {"simulator"} if subpackage == "cli" else set()
    public = set(aiozbilling.__all__) if SUBPACKAGES.index(subpackage) >= SUBPACKAGES.index("tables") else set()
    return ours - allowed - public


def test_imports_go_one_way():
    """Each module imports only its own subpackage and those to the left of it, and none imports the whole package."""
    assert {path: wrong for path in MODULES if (wrong := forbidden_imports(path))} == {}


def test_every_subpackage_is_known():
    """A new subpackage must have a place in the order of imports."""
    assert {subpackage_of(path) for path in MODULES} <= {*SUBPACKAGES, "simulator", "__init__", "__main__"}


def test_one_place_speaks_http():
    """Of the client, only the transport, the connections and the type of a setting import aiohttp."""
    speakers = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        if subpackage_of(path) != "simulator" and roots_of(path) & {"aiohttp", "yarl", "multidict"}
    }
    # Redirects parse URLs, and credentials build headers in aiohttp's form: neither sends anything.
    assert speakers - {"exchange/redirect.py", "exchange/credentials.py"} == HTTP_MODULES


def test_one_place_structures():
    """Only the converter and the module that explains its errors import cattrs; only the decoders import msgspec."""
    decoders = ("cattrs", "msgspec")
    users = {name: {str(path.relative_to(PACKAGE)) for path in MODULES if name in roots_of(path)} for name in decoders}
    assert users["cattrs"] == CATTRS_MODULES
    assert {
        path for path in users["msgspec"] if path.startswith(("records/", "exchange/", "listing/", "clients/"))
    } == {"exchange/structure.py", "exchange/compiled.py", "exchange/rows.py"}


def test_one_place_reveals_secrets():
    """Only the module of credentials reads the text of a secret, and only the transport asks for it."""
    texts = {str(path.relative_to(PACKAGE)): path.read_text(encoding="utf-8") for path in MODULES}
    assert {path for path, text in texts.items() if "._text" in text} == {"exchange/credentials.py"}
    revealing = {path for path, text in texts.items() if "reveal(" in text}
    assert revealing == {"exchange/credentials.py", "exchange/transport.py"}


def test_errors_and_records_need_little():
    """The errors import nothing, the records only attrs and the standard library."""
    for path in MODULES:
        outside = {root for root in roots_of(path) if root not in sys.stdlib_module_names}
        if subpackage_of(path) == "errors":
            assert outside == set()
        if subpackage_of(path) == "records":
            assert outside <= {"attrs", "aiozbilling"}


def test_every_module_says_what_it_is():
    """Each module begins with a sentence."""
    for path in MODULES:
        sentence = ast.get_docstring(tree_of(path))
        assert sentence, path
        assert sentence.partition("\n\n")[0].rstrip().endswith((".", "::", ":")), path


def test_the_package_is_typed():
    """The package has the marker `py.typed`, which type checkers need."""
    assert (PACKAGE / "py.typed").exists()
    assert find_spec("aiozbilling") is not None


@pytest.mark.parametrize("name", aiozbilling.__all__)
def test_each_public_class_is_documented(name):
    """Each public class and function has its own docstring."""
    thing = getattr(aiozbilling, name)
    if isinstance(thing, type):
        assert (thing.__doc__ or "").strip(), name
        assert not (thing.__doc__ or "").startswith(f"{name}("), "a generated signature is no docstring"


@pytest.mark.parametrize("engine", ["dlt", "spark"])
def test_an_engine_without_its_extra_says_what_to_install(engine):
    """Without pyarrow, which both extras install, the import of an engine names the command that installs it."""
    script = f"import sys\nsys.modules['pyarrow'] = None\nimport aiozbilling.integrations.{engine}"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=False, text=True, cwd=PACKAGE.parent
    )
    assert done.stderr.splitlines()[-1].endswith(f"is an extra: pip install 'aiozbilling[{engine}]'")
