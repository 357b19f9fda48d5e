"""What it is worth to learn the task itself: the student, and evidence from several arms.

    python benchmarks/quality/classify.py FILE... [--shuffles 10] [--results results.jsonl]
        [--markdown docs/benchmarks/classify.md] [--json OUT] [--jobs 1] [--choice-shuffles 3]

Recorded classifications go one by one through the public `Router`, which starts knowing nothing and
is told each true label after its answer; answers and bills are the recorded ones. Figures are of
the last half of each stream, costs of all calls. Everything that is finished stands in --results
and is not run again. A file whose labels are letters of options is a multiple choice, and is asked
what further calls are worth instead.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from classifying.bench import Bench
from classifying.choice import is_choice, measured
from classifying.choice_page import choice_figures, choice_section
from classifying.figures import figures
from classifying.page import page
from classifying.table import read_class_table
from metallm.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from classifying.table import ClassTable


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing, then tell and write everything."""
    options = _options(arguments)
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
    text, found = _told(tables, options)
    print(text)
    for name, value in found.items():
        print(f"{name} {value:.4f}")
    if options.markdown is not None:
        options.markdown.write_text(text, encoding="utf-8")
    if options.json is not None:
        options.json.write_text(json.dumps({"figures": found}, indent=1), encoding="utf-8")


def _told(
    tables: Mapping[str, ClassTable], options: argparse.Namespace
) -> tuple[str, dict[str, float]]:
    """The page and the figures of all files."""
    choices = {name: table for name, table in tables.items() if is_choice(table)}
    others = {name: table for name, table in tables.items() if name not in choices}
    sections: list[str] = []
    found: dict[str, float] = {}
    if others:
        bench = Bench(others, options.shuffles, options.results)
        bench.run(options.jobs)
        sections.append(page(bench))
        found |= figures(bench)
    for table in choices.values():
        choice = measured(table, options.choice_shuffles, options.results)
        sections.append(choice_section(choice))
        found |= choice_figures(choice)
    return "\n".join(sections), found


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--shuffles", type=int, default=10)
    parser.add_argument("--choice-shuffles", type=int, default=3, help="of a multiple choice")
    parser.add_argument("--results", type=Path, help=".jsonl file to resume from")
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--jobs", type=int, default=1)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
