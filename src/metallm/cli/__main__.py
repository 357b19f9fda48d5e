"""`python -m metallm.cli`, where the script is not on the path."""

from metallm.cli.main import run

run()
