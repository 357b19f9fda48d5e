"""Runs `metallm replay` on recorded files in all three modes, and writes one table of it all.

    python benchmarks/quality/replay_table.py FILE... [--seeds 5] [--cost-weight 0.2]
        [--markdown docs/benchmarks/replay.md] [--json OUT]

Each file is replayed by the command line itself, as a user would; what is shown is what it says.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HEAD = """# Replays of recorded outcomes

Recorded answers of real LLMs, replayed through the same `Router` that serves live queries: policy
`squarecb`, cost weight {cost_weight:g}, {seeds} shuffles, 95 % intervals over shuffles (Student t),
no task labels told. Costs are scaled so that the dearest model's mean cost is 1.

- "offline" fits on 75 % of the queries and decides the rest without feedback; "hybrid" goes on
  learning there; "online" starts knowing nothing and decides all.
- "Best single" is the best model by reward on the very rows that are decided, known afterwards. So
  is the oracle, which lucky answers flatter.
- The cost-matched mix is single models mixed at random to the router's own cost.

The recordings are no part of this project. Repeat with your own, or with these, by

    python benchmarks/quality/replay_table.py {names} --seeds {seeds}

which calls `metallm replay` on each file. The learner's settings were chosen on some of these files
([decisions 4 and 5](../decisions/)): read the figures as a description, not as a claim about other
data.
"""

ROWS = ("policy", "best single", "best single by quality", "cheapest", "random",
        "cost-matched mix", "oracle")  # fmt: skip


def main() -> None:
    """Replay each file, print and write the tables."""
    options = _options()
    missing = [str(path) for path in options.files if not path.is_file()]
    if missing:
        print(f"skipped: no such file: {', '.join(missing)}", file=sys.stderr)
        return
    sections, figures = [], {}
    for path in options.files:
        print(path.name, file=sys.stderr)
        for found in _replay(path, options.seeds, options.cost_weight):
            sections.append(_section(path.stem, found))
            figures.update(_figures(path.stem, found))
    page = _page(sections, options)
    if options.markdown is not None:
        options.markdown.write_text(page, encoding="utf-8")
    if options.json is not None:
        options.json.write_text(json.dumps({"figures": figures}, indent=1), encoding="utf-8")
    if options.markdown is None:
        print(page)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--cost-weight", type=float, default=0.2)
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _replay(path: Path, seeds: int, cost_weight: float) -> list[dict[str, Any]]:
    command = [
        sys.executable, "-m", "metallm.cli", "replay", str(path), "--seeds", str(seeds),
        "--cost-weight", str(cost_weight), "--json", "-",
    ]  # fmt: skip
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def _section(name: str, found: dict[str, Any]) -> str:
    about = found["figures"]
    queries, models = about["queries_per_seed"], len(about["models"])
    lines = [
        f"### {name}, {about['mode']}",
        "",
        f"{queries:,} queries decided per shuffle, {models} models"
        + (
            f"; left out for want of costs: {', '.join(about['left_out'])}"
            if about["left_out"]
            else ""
        )
        + ".",
        "",
        "| | accuracy % | cost per 1,000 queries, USD | reward | regret |",
        "|---|---|---|---|---|",
    ]
    by_name = {row["name"]: row for row in found["rows"]}
    for row in (by_name[each] for each in ROWS if each in by_name):
        models_of = row["models"]
        who = f" ({', '.join(models_of)})" if models_of else ""
        label = f"**{row['name']}**" if row["name"] == "policy" else row["name"] + who
        lines.append(
            f"| {label} | {_interval(row['accuracy'], 100, 2)} "
            f"| {_interval(row['cost_per_1k_usd'], 1, 4)} | {_interval(row['reward'], 1, 4)} "
            f"| {_interval(row['regret'], 1, 4)} |"
        )
    lead = about["lead_over_best_fixed"]
    told = ", ".join(
        f"{_interval(value, 1000 / int(at), 1)} over {int(at):,}" for at, value in lead.items()
    )
    end = f"Reward per query less the best fixed model's, × 1000, over the first queries: {told}."
    return "\n".join([*lines, "", end, ""])


def _interval(figure: dict[str, float], scale: float, digits: int) -> str:
    mean = figure["mean"] * scale
    half = (figure["high"] - figure["low"]) / 2 * scale
    return f"{mean:.{digits}f} ± {half:.{digits}f}"


def _figures(name: str, found: dict[str, Any]) -> dict[str, float]:
    mode = found["figures"]["mode"]
    return {
        f"{name}.{mode}.{row['name'].replace(' ', '_')}.{key}": row[key]["mean"]
        for row in found["rows"]
        for key in ("accuracy", "cost_per_1k_usd", "reward", "regret")
    }


def _page(sections: list[str], options: argparse.Namespace) -> str:
    names = " ".join(path.name for path in options.files)
    head = HEAD.format(cost_weight=options.cost_weight, seeds=options.seeds, names=names)
    return "\n".join([head, *sections])


if __name__ == "__main__":
    main()
