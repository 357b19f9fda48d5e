"""The `metallm` command."""

import signal
import sys
from typing import Annotated

import typer

from metallm import __version__
from metallm.cli.classify import classify
from metallm.cli.collect import collect
from metallm.cli.configured import SET
from metallm.cli.console import put
from metallm.cli.demo import demo
from metallm.cli.guard import GuardedGroup
from metallm.cli.init import init
from metallm.cli.keys import app as keys
from metallm.cli.label import label
from metallm.cli.log import log
from metallm.cli.models import models
from metallm.cli.paper import paper
from metallm.cli.quiz import quiz
from metallm.cli.replay import replay
from metallm.cli.sandbox import sandbox
from metallm.cli.serve import serve
from metallm.cli.verify import verify

app = typer.Typer(
    cls=GuardedGroup,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        put(f"metallm {__version__}")
        raise typer.Exit


@app.callback()
def metallm(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any setting, as metallm --set providers.timeout_s=30 serve. May be repeated.",
        ),
    ] = None,
) -> None:
    """MetaLLM learns which LLM to ask.

    See it at work without any key: metallm demo. Then, with your own keys: metallm init writes
    metallm.toml, metallm models shows what is in it, metallm serve answers on
    http://127.0.0.1:8080/v1 as OpenAI would.
    """
    del version
    SET.set(tuple(settings or ()))


for command in (
    demo,
    init,
    models,
    serve,
    classify,
    label,
    collect,
    quiz,
    log,
    verify,
    replay,
    paper,
    sandbox,
):
    app.command()(command)
app.add_typer(keys, name="keys")


def run() -> None:
    """The entry point. SIGTERM ends a command as Ctrl-C does, with an exit code of its own.

    Logs are closed and children stopped either way. An exception raised by the handler itself could
    fall into any callback of a running loop, which would lose it; Ctrl-C cancels the work there.
    """
    told: list[int] = []

    def terminate(number: int, _: object) -> None:
        told.append(128 + number)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job
            sys.exit(told[0])
        signal.raise_signal(signal.SIGINT)

    signal.signal(signal.SIGTERM, terminate)
    try:
        app()
    finally:
        if told:
            sys.exit(told[0])
