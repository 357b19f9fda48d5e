"""The main job over real HTTP: sandbox, gateway and `metallm classify` as three processes.

    python benchmarks/quality/end_to_end.py DATA.parquet [--labels Yes,No] [--warm-rows 200]
        [--cost-weight 0.01] [--max-calls 1] [--shuffles 5] [--json OUT]

The sandbox answers as the recorded models did. Every sentence is classified through the gateway
with its true label as feedback: once by a router that starts knowing nothing, and once by one that
starts from `--warm-rows` recorded rows and classifies the others. Both are held against always
asking the best model, on the same rows. The cost weight is a price put on money, not a setting of
the learner: a low one, as here, asks for accuracy first.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import metallm
from metallm.cli.recorded_arms import arms_of
from metallm.evaluation.intervals import mean_interval
from metallm.tables.recordings import Recordings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True)
class Found:
    """One run's figures; costs in USD for all of its rows."""

    rows: int
    accuracy: float
    cost_usd: float
    best: str
    best_accuracy: float
    best_cost_usd: float
    seconds: float

    @property
    def cost_share(self) -> float:
        """Cost as a share of the best model's."""
        return self.cost_usd / self.best_cost_usd


def main() -> None:
    """Run both, print the figures and write them."""
    options = _options()
    if not options.data.is_file():
        print(f"skipped: no such file: {options.data}", file=sys.stderr)
        return
    recordings = Recordings.read(options.data)
    started = time.perf_counter()
    cold: list[Found] = []
    warm: list[Found] = []
    with tempfile.TemporaryDirectory() as folder, _sandbox(options.data) as upstream:
        for shuffle in range(options.shuffles):
            order = np.random.default_rng(shuffle).permutation(len(recordings))
            known, rest = order[: options.warm_rows], order[options.warm_rows :]
            run = _Run(Path(folder), upstream, options, shuffle)
            cold.append(run.classify("cold", recordings.subset(order), None))
            warm.append(run.classify("warm", recordings.subset(rest), recordings.subset(known)))
    seconds = time.perf_counter() - started
    _tell("cold start", cold)
    _tell(f"warm start of {options.warm_rows} rows", warm)
    print(f"all in {seconds:.0f} s")
    figures = {
        "cold_accuracy": _mean(each.accuracy for each in cold),
        "cold_cost_share": _mean(each.cost_share for each in cold),
        "warm_accuracy": _mean(each.accuracy for each in warm),
        "warm_cost_share": _mean(each.cost_share for each in warm),
        "best_accuracy": _mean(each.best_accuracy for each in warm),
        "seconds": seconds,
    }
    if options.json is not None:
        options.json.write_text(json.dumps({"figures": figures}, indent=1), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--labels", default="Yes,No")
    parser.add_argument("--warm-rows", type=int, default=200)
    parser.add_argument("--cost-weight", type=float, default=0.01)
    parser.add_argument("--max-calls", type=int, default=1)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--shuffles", type=int, default=5)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


class _Run:
    """Gateways and bulk runs in a folder of their own.

    Args:
        folder: where settings, logs and rows are written.
        upstream: the sandbox's address.
        options: the command's.
        shuffle: number of the shuffle, and the router's seed.
    """

    def __init__(
        self, folder: Path, upstream: str, options: argparse.Namespace, shuffle: int
    ) -> None:
        self._folder = folder
        self._upstream = upstream
        self._options = options
        self._shuffle = shuffle

    def classify(self, name: str, rows: Recordings, warm: Recordings | None) -> Found:
        """Classify rows through a gateway whose router has learned from `warm`."""
        name = f"{name}-{self._shuffle}"
        config = self._settings(name, rows)
        if warm is not None:
            router = metallm.Router.from_settings(metallm.load_settings(config))
            router.fit(warm)
            router.close()
        table = self._folder / f"{name}.csv"
        _write_rows(table, rows)
        started = time.perf_counter()
        with _process(["serve", "--port", "0", "--json", "--config", str(config)]) as ready:
            done = _metallm(
                "classify", str(table), "--text", "text", "--truth", "truth",
                "--labels", self._options.labels, "--gateway", _url(ready),
                "--max-calls", str(self._options.max_calls),
                "--concurrency", str(self._options.concurrency), "--json",
                "--out", str(self._folder / f"{name}.jsonl"),
            )  # fmt: skip
        return _found(json.loads(done), rows, time.perf_counter() - started)

    def _settings(self, name: str, recordings: Recordings) -> Path:
        path = self._folder / f"{name}.toml"
        lines = [
            "[store]", f'path = "{self._folder / name}.db"',
            "[router]", f"cost_weight = {self._options.cost_weight}",
            f"seed = {self._shuffle}",
        ]  # fmt: skip
        for arm in arms_of(recordings).values():
            lines += [
                "[[arms]]", f'name = "{arm.name}"', f'model = "{arm.name}"',
                f'base_url = "{self._upstream}/v1"',
                f"input_price = {arm.input_price}", f"output_price = {arm.output_price}",
            ]  # fmt: skip
        path.write_text("\n".join(lines), encoding="utf-8")
        return path


def _write_rows(path: Path, rows: Recordings) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "truth"])
        writer.writerows(zip(rows.texts, rows.references, strict=True))


def _found(said: dict[str, Any], rows: Recordings, seconds: float) -> Found:
    best = int(np.nanmean(rows.score, axis=0).argmax())
    return Found(
        len(rows),
        said["accuracy"],
        said["cost_usd"],
        rows.models[best],
        float(np.nanmean(rows.score[:, best])),
        float(np.nansum(rows.cost_usd[:, best])),
        seconds,
    )


def _tell(title: str, found: list[Found]) -> None:
    best = ", ".join(sorted({each.best for each in found}))
    print(
        f"{title}, {found[0].rows} rows, {len(found)} shuffles, "
        f"{_mean(each.seconds for each in found):.0f} s each\n"
        f"  MetaLLM     accuracy {_interval([100 * each.accuracy for each in found], '%')}, "
        f"cost {_interval([1000 * each.cost_usd / each.rows for each in found], ' $ per 1,000')}\n"
        f"  always {best}: accuracy {_mean(each.best_accuracy for each in found):.2%}, "
        f"cost {_mean(1000 * each.best_cost_usd / each.rows for each in found):.2f} $ per 1,000\n"
        f"  difference  accuracy "
        f"{_interval([100 * (e.accuracy - e.best_accuracy) for e in found], ' points')}, "
        f"cost {_interval([100 * each.cost_share for each in found], '%')} of it"
    )


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _interval(values: list[float], unit: str) -> str:
    """Mean and the 95 % interval over shuffles."""
    if len(values) < 2:
        return f"{values[0]:.2f}{unit}"
    found = mean_interval(values)
    return f"{found.mean:.2f} ± {(found.high - found.low) / 2:.2f}{unit}"


def _metallm(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "metallm.cli", *arguments], check=True, stdout=subprocess.PIPE
    )
    return done.stdout.decode()


@contextlib.contextmanager
def _process(arguments: list[str]) -> Iterator[dict[str, Any]]:
    """A command that runs until the block ends; yields the line it says when it is ready."""
    with subprocess.Popen(
        [sys.executable, "-m", "metallm.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"metallm {arguments[0]} did not start")
        try:
            yield json.loads(line)
        finally:
            process.terminate()
            process.wait(timeout=30)


@contextlib.contextmanager
def _sandbox(data: Path) -> Iterator[str]:
    with _process(["sandbox", str(data), "--port", "0", "--json"]) as ready:
        yield _url(ready)


def _url(ready: dict[str, Any]) -> str:
    return f"http://{ready['host']}:{ready['port']}"


if __name__ == "__main__":
    main()
