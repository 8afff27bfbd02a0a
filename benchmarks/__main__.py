"""Run the benchmarks: ``python -m benchmarks [SCENARIO …]``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.instructions import MISSING
from benchmarks.machine import described
from benchmarks.outcome import Outcome
from benchmarks.peers import PEERS
from benchmarks.scenarios import SCENARIOS
from benchmarks.scenarios.counted import COUNTED
from benchmarks.serving import serving
from benchmarks.setting import Setting
from benchmarks.table import markdown, plain


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    if options.instructions and MISSING:
        print(MISSING)
        return
    scenarios = COUNTED if options.instructions else SCENARIOS
    for peer in PEERS:
        if peer.missing:
            print(f"{peer.title} is left out, {' and '.join(peer.missing)} missing: pip install '.[bench]'")
    machine = described()
    print(f"{machine['cpu']}, {machine['cores']} cores, {machine['python']}, aiohttp {machine['aiohttp']}\n")
    outcomes: list[Outcome] = []
    with serving(max(options.rows, options.export_rows)) as server:
        setting = Setting(server, options.rows, options.export_rows, options.repeat, options.quick)
        for name in options.scenarios or scenarios:
            outcomes.append(scenarios[name](setting))
            print(plain(outcomes[-1]), end="\n\n", flush=True)
    if options.json:
        report = {"machine": machine, "outcomes": [outcome.as_json() for outcome in outcomes]}
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    if options.markdown:
        print(markdown(outcomes, machine))
    failed = sum(not bar.holds for outcome in outcomes for bar in outcome.bars)
    print(f"{sum(len(outcome.bars) for outcome in outcomes) - failed} targets met, {failed} not met", file=sys.stderr)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("scenarios", metavar="SCENARIO", nargs="*", help=f"of {', '.join(SCENARIOS)}; all by default")
    parser.add_argument("--rows", type=int, default=20_000, help="of a walk (20,000)")
    parser.add_argument("--export-rows", type=int, default=100_000, help="of an export (100,000)")
    parser.add_argument("--full", action="store_true", help="export 1,000,000 rows")
    parser.add_argument("--repeat", type=int, default=5, help="processes for each peer (5)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, once each: does it work?")
    parser.add_argument(
        "--instructions", action="store_true", help=f"count instructions by callgrind, of {', '.join(COUNTED)}"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the samples there")
    parser.add_argument("--markdown", action="store_true", help="print tables for the README as well")
    options = parser.parse_args(arguments)
    known = COUNTED if options.instructions else SCENARIOS
    for name in options.scenarios:
        if name not in known:
            parser.error(f"there is no scenario {name}; there are {', '.join(known)}")
    if options.full:
        options.export_rows = 1_000_000
    if options.quick:
        options.rows, options.export_rows, options.repeat = 2_000, 2_000, 1
    return options


if __name__ == "__main__":
    main()
