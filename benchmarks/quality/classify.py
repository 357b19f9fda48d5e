"""What it is worth to learn the task itself: the student, and evidence from several arms.

    python benchmarks/quality/classify.py FILE... [--shuffles 10] [--results results.jsonl]
        [--markdown docs/benchmarks/classify.md] [--json OUT] [--jobs 1]

Recorded classifications go one by one through the public `Router`, which starts knowing nothing and
is told each true label after its answer; answers and bills are the recorded ones. Figures are of
the last half of each stream, costs of all calls. Everything that is finished stands in --results
and is not run again.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from classifying.bench import Bench
from classifying.figures import figures
from classifying.page import page
from classifying.table import read_class_table
from metallm.errors import TableError


def main() -> None:
    """Run what is missing, then tell and write everything."""
    options = _options()
    tables = {}
    for path in options.files:
        if not path.is_file():
            print(f"skipped: no such file: {path}", file=sys.stderr)
            continue
        try:
            table = read_class_table(path)
        except TableError as error:
            print(f"skipped: {path}: {error}", file=sys.stderr)
            continue
        if table.left_out:
            print(f"{table.name}: left out: {', '.join(table.left_out)}", file=sys.stderr)
        tables[table.name] = table
    if not tables:
        print("nothing to measure: give recorded files", file=sys.stderr)
        return
    bench = Bench(tables, options.shuffles, options.results)
    bench.run(options.jobs)
    text, found = page(bench), figures(bench)
    print(text)
    for name, value in found.items():
        print(f"{name} {value:.4f}")
    if options.markdown is not None:
        options.markdown.write_text(text, encoding="utf-8")
    if options.json is not None:
        options.json.write_text(json.dumps({"figures": found}, indent=1), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--shuffles", type=int, default=10)
    parser.add_argument("--results", type=Path, help=".jsonl file to resume from")
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--jobs", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
