"""What the page says beside its tables."""

from __future__ import annotations

HEAD = """# What the learner is worth

Recorded answers of real LLMs to the same queries; every method sees the same splits, the same
contexts (the default embedder, no task told) and the same bills. {shuffles}; ± is half a
95 % interval over shuffles (Student t). What an interval over shuffles does not tell is how another
set of queries would differ.

**Settings are nested.** Each method has a few settings, listed at the end. A file is reported with
the one that was best on the mean of the *other* files ({tuning}): none was chosen on the
file it is shown for. A method's default stands unless another is better by more than a standard
error over those files.

Repeat with

    pip install -e '.[bench,peers]'
    python benchmarks/quality/route.py {names} {options}

The recordings are no part of this project.
"""

OFFLINE_TEXT = """## Offline

Each method learns from three quarters of the queries, all outcomes shown, and decides the rest at
{weights} cost weights without feedback: greedily, argmax of estimated quality − p · estimated cost.
Peers estimate quality; our cost learner's estimates stand beside theirs. Each frontier is the
non-decreasing upper hull of its points (RouterBench, arXiv 2403.12031).

- **Gap closed**: (AIQ − AIQ of mixing single models blindly) / (the oracle's AIQ − the same), in %.
- **Saving**: cost saved at a share of the best single model's quality, in % of that model's cost; a
  level never reached counts as 0.
- **At equal cost**: quality points gained over the best single model for the same money.
- **Arena**: RouterArena's score × 100 at cost weight .2 (arXiv 2510.00202).
- The task-label router alone is told each query's task. Best single model and oracle are known
  afterwards, the oracle with each query's luck.
"""

ONLINE_TEXT = """## Online

Queries come one by one; after each choice its outcome alone is told. Figures are reward per query
less that of the best single model (known afterwards), × 1000, means over the cost weights
{weights}, over the first 300 and 1,000 queries and over the whole stream. "Warm" starts give away
that many fully recorded rows first. A blind mix of single models earns at most what the best one
does: 0 here. {streams}.

Peers are told the scalar reward (the one exception, ParetoBandit's own router, learns quality and
prices arms itself), see the contexts on {directions} principal directions of all queries and a
bias, and are played on {peers}; their settings are compared on one shuffle at p = .3.
"""

NEW_ARM_TEXT = """### A new arm

The best arm joins at a third of the stream. Share of the attainable gain, over the last two thirds:
(joined − never there) / (there from the start − never there), in %.
"""


CALIBRATION_TEXT = """### Are the estimates what they say?

Over all queries decided and all models, chosen or not. **Calibration error**: estimated qualities,
clipped to 0 and 1, in {bins} bins of equal width; the mean over pairs of |mean estimate − mean
recorded quality| of their bin, in points. It is above 0 by luck alone where queries are few.
**Brier score**: mean squared error, × 100; less the better calibrated an estimate is, and the
better it tells queries apart.
"""

ERRORS_TEXT = """#### What MetaLLM's standard errors are worth

One outcome cannot show whether an expectation was right; the mean of an arm's outcomes over like
queries can, within the luck of the rows. So the queries decided are cut into cells of about {rows}
by their contexts, and each arm's mean recorded quality in a cell ({least} outcomes at least) is
held against the mean estimate. Shown is the share of these within 1.96 standard errors, in %, where
the learner's own error is allowed for beside the luck of the rows, and where luck alone is. The
learner's error is taken to be the same throughout a cell. Where it is not, cells' means are surer
than this says: a share below 95 % shows that standard errors are too small, one above does not show
that they are too large. Nothing here tells of single queries.
"""

CALLS_TEXT = """APGR: mean gap recovered over all shares of calls to the strong model (.5 at
random); CPT: least share of calls that recovers so much (RouteLLM, arXiv 2406.18665)."""
