"""What the learner is worth: MetaLLM, other routers and bandits on recorded outcomes.

    python benchmarks/quality/route.py FILE-or-FOLDER... [--shuffles 10] [--results results.jsonl]
        [--report report.html] [--markdown docs/benchmarks/route.md] [--peers/--no-peers]
        [--only offline|online] [--embedder static|encoder|sentence] [--sentence-model PATH]
        [--cache FOLDER] [--jobs 1] [--json OUT]

Everything that is finished stands in --results and is not run again. Peers need the extra
`peers` (those that are missing are named and skipped), --report needs `bench`, and embedders but
`static` need `sentence`; --cache keeps what they make of a text, which takes minutes for all.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from metallm.errors import ConfigurationError
from routing.bench import Bench, Plan
from routing.contexts import EMBEDDERS, named_embedder
from routing.ledger import Ledger
from routing.methods import offline_methods, online_methods
from routing.page import page
from routing.summary import Summary
from routing.table import find_files, read_table
from routing.work import Work

if TYPE_CHECKING:
    from metallm.core.protocols import Embedder


def main(arguments: list[str] | None = None) -> None:
    """Run what is missing, then tell and write everything."""
    options = _options(arguments)
    try:
        embedder = _embedder(options)
    except ConfigurationError as error:
        print(f"skipped: {error}", file=sys.stderr)
        return
    tables = {}
    for path in find_files(options.files):
        table = read_table(path, embedder)
        if table.left_out:
            names = ", ".join(table.left_out)
            print(f"{table.name}: left out for want of costs: {names}", file=sys.stderr)
        tables[table.name] = table
    if not tables:
        print("nothing to measure: give recorded files, or a folder of them", file=sys.stderr)
        return
    bench = Bench(
        Work(
            tables,
            offline_methods(peers=options.peers) if options.only != "online" else [],
            online_methods(peers=options.peers and options.stream_peers)
            if options.only != "offline"
            else [],
        ),
        Ledger(options.results),
        Plan(
            shuffles=options.shuffles,
            tuning_shuffles=options.tuning_shuffles,
            peer_shuffles=options.peer_shuffles,
            stream_shuffles=options.stream_shuffles,
            peer_warm=options.peer_warm,
            jobs=options.jobs,
        ),
    )
    bench.run_offline()
    bench.run_online()
    _write(Summary(bench), options)


def _embedder(options: argparse.Namespace) -> Embedder | None:
    """What --embedder names; None for the default."""
    if options.embedder == "static":
        return None
    return named_embedder(options.embedder, options.sentence_model, options.cache)


def _write(summary: Summary, options: argparse.Namespace) -> None:
    text, figures = page(summary), summary.figures()
    print(text)
    for name, value in figures.items():
        print(f"{name} {value:.4f}")
    if options.markdown is not None:
        options.markdown.write_text(text, encoding="utf-8")
    if options.json is not None:
        options.json.write_text(json.dumps({"figures": figures}, indent=1), encoding="utf-8")
    if options.report is not None:
        from routing.html import report

        options.report.write_text(report(summary), encoding="utf-8")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--shuffles", type=int, default=10)
    parser.add_argument("--tuning-shuffles", type=int, default=3, help="to compare settings on")
    parser.add_argument("--peer-shuffles", type=int, default=3, help="of other bandits' streams")
    parser.add_argument("--stream-shuffles", type=int, help="of streams, if not as many")
    parser.add_argument("--stream-peers", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--peer-warm", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--results", type=Path, help=".jsonl file to resume from")
    parser.add_argument("--report", type=Path, help=".html file")
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--only", choices=("offline", "online"))
    parser.add_argument("--embedder", choices=EMBEDDERS, default=EMBEDDERS[0])
    parser.add_argument("--sentence-model", type=Path, help="folder or .onnx file of the encoder")
    parser.add_argument("--cache", type=Path, help="folder for the encoder's contexts")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", type=Path)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
