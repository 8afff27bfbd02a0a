"""Writes `aiozbilling/cli/terminal.svg`, what a terminal shows of some commands: `python -m tests.terminal_picture`."""

from __future__ import annotations

import os
import re
import shlex
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.test_guides import on_a_terminal

PICTURE = Path(__file__).parents[1] / "aiozbilling" / "cli" / "terminal.svg"
WIDTH = 100
COMMANDS = (
    "aiozbilling month --simulator",
    "aiozbilling top-ups --simulator -n 5",
    "aiozbilling history --simulator -n 7",
)


def main() -> None:
    """Run the commands on a terminal and draw what they print."""
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)
    for command in COMMANDS:
        code, lines, errors = on_a_terminal(
            [sys.executable, "-m", *shlex.split(command)], Path.cwd(), {"TERM": "xterm-256color"}
        )
        if code:
            sys.exit(errors)
        console.print(Text(f"$ {command}", style="bold green"))
        console.print(Text.from_ansi(os.linesep.join(lines)))
        console.print()
    drawn = console.export_svg(title="aiozbilling")
    drawn = re.sub(
        r"@font-face {.*?}\n|<!-- Generated.*?-->\n", "", drawn, flags=re.DOTALL
    )  # loads nothing from a network
    PICTURE.write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
