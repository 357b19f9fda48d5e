"""What `metallm classify` can be told."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path, typer.Argument(metavar="IN", help="The rows: a .csv, .jsonl or .parquet file.")
]
Text = Annotated[str, typer.Option(metavar="COLUMN", help="The column to classify.")]
Labels = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,...",
        help="The labels to choose from, with commas between. Not needed where --task is declared.",
    ),
]
TaskName = Annotated[
    str | None,
    typer.Option(
        "--task",
        metavar="NAME",
        help="Name of the task. One that metallm.toml declares ([[tasks]]) brings its labels, "
        "prompt and examples.",
    ),
]
Truth = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="The column of true labels: each is told after the answer, so that the router "
        "learns as it goes.",
    ),
]
FewShot = Annotated[
    int,
    typer.Option(
        min=0,
        max=100,
        metavar="N",
        help="Put N labelled rows into every prompt as examples. They are chosen to stand for all "
        "labels and texts, and are not asked.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        metavar="OUT",
        help="Where answers are kept, .jsonl, .csv or .parquet. Default: IN's name with "
        ".labels.jsonl.",
    ),
]
Keep = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,...|all", help="Columns of IN to write beside the answers. Default: none."
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(metavar="FILE.html", help="Write what it came to as a page of its own."),
]
Gateway = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Ask a running gateway. Default: route in this process."),
]
Warm = Annotated[
    Path | None,
    typer.Option(metavar="DATA", help="Recorded outcomes to learn from before the first row."),
]
Limit = Annotated[int | None, typer.Option(min=1, metavar="N", help="Take the first N rows.")]
Concurrency = Annotated[
    int, typer.Option(min=1, max=256, metavar="N", help="Rows at the same time.")
]
MaxCalls = Annotated[
    int,
    typer.Option(
        min=1,
        max=8,
        metavar="N",
        help="Models that one row may be sent to. With more than one, all their answers and "
        "the text settle the label together, and further ones are asked where that is worth "
        "its cost.",
    ),
]
Estimate = Annotated[
    bool,
    typer.Option(
        "--estimate", help="Say what it is expected to cost. Asks no model and writes nothing."
    ),
]
Budget = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        metavar="USD",
        help="Never spend more than this on OUT, all runs together. A larger one goes on.",
    ),
]
Audit = Annotated[
    str | None,
    typer.Option(
        metavar="ARM",
        help="Without true labels: this arm's answers stand in for them, and a share of what "
        "others answered is held against it.",
    ),
]
AuditShare = Annotated[
    float,
    typer.Option(min=0.0, max=1.0, metavar="SHARE", help="Rows that it audits, at most."),
]
