"""What becomes of an error: one line on stderr and an exit code, never a traceback."""

from __future__ import annotations

import os
import sys
from typing import Any

from typer import Exit
from typer.core import TyperGroup

from metallm.cli.console import tell
from metallm.errors import MetaLLMError, ProviderError, StoreError

BAD_INPUT = 2
FAILED = 1
INTERRUPTED = 130
"""128 and the number of SIGINT, as shells have it."""


class InterruptedWorkError(Exception):
    """Ctrl-C in a command that has something to say about it.

    Args:
        message: what was kept and how to go on.
    """


class WorkFailedError(MetaLLMError):
    """Something beyond our reach kept a command from doing its work, or all of it."""


class GuardedGroup(TyperGroup):
    """The commands, with the errors that we raise on purpose made into exit codes."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            answer = super().invoke(ctx)
            sys.stdout.flush()
        except MetaLLMError as error:
            tell(f"error: {error}")
            raise Exit(exit_code(error)) from error
        except InterruptedWorkError as error:
            tell(f"interrupted: {error}")
            raise Exit(INTERRUPTED) from error
        except KeyboardInterrupt as error:
            tell("interrupted")
            raise Exit(INTERRUPTED) from error
        except BrokenPipeError as error:
            _discard_stdout()
            raise Exit(FAILED) from error
        return answer


def exit_code(error: MetaLLMError) -> int:
    """1 where a provider, a gateway or the log failed, 2 where what was asked for cannot work."""
    return FAILED if isinstance(error, ProviderError | StoreError | WorkFailedError) else BAD_INPUT


def _discard_stdout() -> None:
    """Nobody reads on: what is still buffered would make Python complain at its exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
