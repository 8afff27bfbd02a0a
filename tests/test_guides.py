"""The README and every guide: examples run as they are written, commands succeed, and links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aiozbilling.simulator import Simulator
from tests.simulated import environment_of, simulator_in_thread
from tests.terminal import on_terminal

TOP = Path(__file__).parents[1]
GUIDES = [
    TOP / "README.md",
    *sorted(path for room in ("aiozbilling", "benchmarks", "tests") for path in (TOP / room).rglob("README.md")),
]
MARKS = {
    ("aiozbilling/integrations/README.md", "python"): [pytest.mark.engines],  # needs Spark and PostgreSQL
    ("README.md", "console"): [pytest.mark.slow],  # a report takes three seconds; .ci/run makes one of the wheel too
    ("aiozbilling/cli/README.md", "console"): [pytest.mark.slow],  # some twenty commands, a report among them
}

# A block whose test is elsewhere has the comment `<!-- tested by PATH -->` on the line before it.
BLOCK = re.compile(
    r"(?:<!-- tested by (?P<test>\S+) -->\n)?^```(?P<language>\w+)\n(?P<source>.*?)^```$", re.MULTILINE | re.DOTALL
)
LINK = re.compile(r"(?<!`)\[[^\]\n]+\]\((?P<target>[^)\s]+)\)")


def name_of(guide: Path) -> str:
    """Return the guide's path in the repository."""
    return guide.relative_to(TOP).as_posix()


def blocks(guide: Path, language: str) -> list[tuple[int, str]]:
    """Return the line and the source of each block in a language, without those that another test runs."""
    text = guide.read_text(encoding="utf-8")
    return [
        (text.count("\n", 0, block.start("source")), block["source"])
        for block in BLOCK.finditer(text)
        if block["language"] == language and not block["test"]
    ]


def outputs(guide: Path) -> dict[int, list[str]]:
    """Return the output that is shown for Python blocks, by line: the text block after the words "It prints:"."""
    text = guide.read_text(encoding="utf-8")
    found: dict[int, list[str]] = {}
    for block in BLOCK.finditer(text):
        begin, words, rest = text[block.end() :].partition("\n\nIt prints:\n\n```text\n")
        if words and not begin:
            found[text.count("\n", 0, block.start("source"))] = rest.partition("\n```\n")[0].splitlines()
    return found


def guides_with(language: str) -> list[object]:
    """Return the guides that have blocks in a language, as parameters of a test."""
    return [
        pytest.param(guide, id=name_of(guide), marks=MARKS.get((name_of(guide), language), []))
        for guide in GUIDES
        if blocks(guide, language)
    ]


def anchors_of(guide: Path) -> set[str]:
    """Return the anchors that a guide's headings have on a page, as GitHub makes them."""
    prose = BLOCK.sub("", guide.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Simulator]:
    """Serve the simulator from its own thread, and name it in the environment as a user would."""
    # The same rows as with --simulator, so that guides and pictures show the same figures.
    with simulator_in_thread() as simulator:
        for name, value in {**environment_of(simulator), "B3OS_ORGANIZATION": simulator.organization}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        yield simulator


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("guide", guides_with("python"))
def test_the_examples_of_a_guide_run(guide: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The Python blocks of a guide run from top to bottom in one namespace; a block of tests passes under pytest."""
    namespace: dict[str, object] = {"__name__": "guide"}
    printed = outputs(guide)
    for line, source in blocks(guide, "python"):
        capsys.readouterr()
        if re.search(r"^(async )?def test_", source, re.MULTILINE):
            folder = tmp_path / f"line_{line}"
            folder.mkdir()
            (folder / "test_it.py").write_text(source, encoding="utf-8")
            (folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n", encoding="utf-8")
            plugins = ("-p", "pytest_asyncio.plugin", "-p", "aiozbilling.simulator.pytest_plugin")
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugins]
            alone = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # others take seconds to load
            done = subprocess.run(command, cwd=folder, env=alone, capture_output=True, text=True, check=False)
            assert re.search(r"\d passed", done.stdout), done.stdout
        else:
            exec(compile("\n" * line + source, str(guide), "exec", dont_inherit=True), namespace)
            if line in printed:
                lines = capsys.readouterr().out.splitlines()
                assert matches(printed[line], lines), "\n".join(lines)


def commands_of(source: str) -> list[tuple[str, list[str]]]:
    """Return the commands of a console block, each with the lines of output that are shown below it."""
    commands: list[tuple[str, list[str]]] = []
    for line in source.splitlines():
        if line.startswith("$ "):
            commands.append((line[2:].partition(" # ")[0], []))
        elif commands:
            commands[-1][1].append(line.rstrip())
    return commands


def matches(expected: list[str], lines: list[str]) -> bool:
    """Return whether lines are as expected, where `…` alone is any number of lines.

    Sizes of files may differ, and so may days that are left, which are counted from today.
    """
    pattern = "".join(r"(.*\n)*" if line == "…" else re.escape(line) + r"\n" for line in expected)
    pattern = re.sub(r"[\d,]+\\ bytes", r"[\\d,]+\\ bytes", pattern)
    pattern = re.sub(r"[\d,]+(?=(\\ )+in\\ over)", r"[\\d,]+", pattern)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in lines)) is not None


@pytest.mark.parametrize("guide", guides_with("console"))
def test_the_commands_of_a_guide_print_what_it_shows(
    guide: Path, environment: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each `$ aiozbilling …` of a guide succeeds, one after the other in one folder, and prints the lines shown."""
    assert environment.url
    for _, source in blocks(guide, "console"):
        for command, expected in commands_of(source):
            if not command.startswith("aiozbilling "):
                continue
            code, lines = on_terminal(100, *shlex.split(command)[1:])
            assert code == 0, f"{command}\n{capsys.readouterr().err}"
            if expected:
                assert matches(expected, lines), "\n".join([command, *lines])


@pytest.mark.parametrize("guide", GUIDES, ids=name_of)
def test_links_lead_somewhere(guide: Path) -> None:
    """Each relative link of a guide leads to a file and, if it names a heading, to that heading."""
    for link in LINK.finditer(BLOCK.sub("", guide.read_text(encoding="utf-8"))):
        target, _, anchor = link["target"].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (guide.parent / target).resolve() if target else guide
        page = file / "README.md" if anchor and file.is_dir() else file
        assert page.exists(), link["target"]
        assert not anchor or anchor in anchors_of(page), link["target"]


@pytest.mark.parametrize("guide", GUIDES, ids=name_of)
def test_blocks_tested_elsewhere_name_their_test(guide: Path) -> None:
    """A block that is not run here names a test file that exists and that reads the guide."""
    for block in BLOCK.finditer(guide.read_text(encoding="utf-8")):
        if block["test"]:
            assert "README.md" in (TOP / block["test"]).read_text(encoding="utf-8")


def test_every_package_has_a_guide() -> None:
    """Each package explains itself in a README.md next to its code."""
    packages = [module.parent for module in (TOP / "aiozbilling").rglob("__init__.py")]
    assert [package.name for package in packages if not (package / "README.md").is_file()] == []


def test_the_two_commands_come_first() -> None:
    """The README begins with the two commands that set everything up; the second one runs these tests."""
    (_, first), (_, second) = blocks(TOP / "README.md", "sh")[:2]
    assert "--simulator" in first
    assert "pytest" in second
