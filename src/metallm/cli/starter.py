"""The text of a first metallm.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metallm.cli.presets import preset_blocks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from metallm.cli.presets import Preset
    from metallm.core.arm import Arm

MODELS: Mapping[str, tuple[str, ...]] = {
    "anthropic": ("claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5"),
    "cerebras": ("gpt-oss-120b", "qwen-3.8-27b"),
    "cohere": ("command-r7b-12-2024", "command-a-03-2025"),
    "deepseek": ("deepseek-v4-flash", "deepseek-v4-pro"),
    "fireworks": (
        "accounts/fireworks/models/gpt-oss-20b",
        "accounts/fireworks/models/gpt-oss-120b",
    ),
    "gemini": ("gemini-3.5-flash-lite", "gemini-3.8-flash", "gemini-4-argon"),
    "groq": ("openai/gpt-oss-20b", "openai/gpt-oss-120b"),
    "mistral": ("ministral-8b-latest", "mistral-small-latest", "mistral-medium-3-5"),
    "moonshot": ("kimi-k2.6", "kimi-k3.1-pro"),
    "openai": ("gpt-6-luna", "gpt-6.1-terra", "gpt-6.1-sol"),
    "openrouter": (
        "anthropic/claude-haiku-5.5",
        "deepseek/deepseek-v4-pro",
        "google/gemini-4-argon",
    ),
    "perplexity": ("sonar", "sonar-pro"),
    "together": ("zai-org/GLM-5.3-Flash", "Qwen/Qwen3.7-Plus", "moonshotai/Kimi-K3.1-Pro"),
    "xai": ("grok-4-1-fast-non-reasoning", "grok-4.7"),
}
"""For each provider a few models of different price, the cheapest first. The price table knows
them all; a test says so."""

_HEAD = """\
# Settings of MetaLLM. What is commented out shows the default.
# Every key can be set in the environment too: METALLM_GATEWAY__PORT=9000.
# API keys are never written here; they are read from the environment.

[gateway]
# host = "127.0.0.1"     # address to listen on
# port = 8080

[store]
# path = "metallm.db"    # the log, from which all that is learned can be rebuilt; "" keeps none

[router]
# cost_weight = 0.2      # p in reward = quality - p * cost; 0 looks at quality alone
# policy = "squarecb"    # squarecb, linucb, thompson, greedy, paper, random or fixed:NAME
# embedder = "static"    # or "sentence": milliseconds a query; pip install 'metallm[sentence]'
# seed = 0
# log_prompts = false    # keep the text of queries in the log

[providers]
# timeout_s = 120.0      # for a whole answer
# max_retries = 2        # tries after the first, per arm

# The arms to choose from: at least two, of different price. Prices come from the built-in price
# table where it knows the model. Otherwise give them, in USD per million tokens:
#   input_price = 0.5
#   output_price = 1.5
# or say price = "unknown" to go on with costs flagged as unknown.
"""

_TASK = """
# Tasks can be declared here and asked by name, docs/guides/tasks.md. Take the signs away:
#
# [[tasks]]
# name = "tickets"
# kind = "single"          # one label; "multi": several; "ordinal": a level; "choice": a letter
# labels = { billing = "invoices and refunds", login = "cannot sign in" }
# none_of_these = "other"  # the label for a text that none of the others fits
# instructions = "You sort the mail of a shop."
# examples = [{ text = "Where is my invoice?", label = "billing" }]
# error_costs = { login = { billing = 5.0 } }  # by truth, then what was said; others cost 1
"""

_EMBEDDINGS = """
# Models that /v1/embeddings passes texts on to, by name:
#
# [[embeddings]]
# name = "openai/text-embedding-3-small"
"""

_EXAMPLE = """
# No API key was found in the environment, so these arms are an example. To try it without a key:
#   metallm sandbox DATA.parquet
# answers from recorded outcomes on this port. Take the signs away and name recorded models.
#
# [[arms]]
# name = "sandbox/cheap-model"
# base_url = "http://127.0.0.1:9100/v1"
# input_price = 0.1
# output_price = 0.4
#
# [[arms]]
# name = "sandbox/good-model"
# base_url = "http://127.0.0.1:9100/v1"
# input_price = 2.0
# output_price = 8.0
"""

_NO_ARMS = """
# {variable} is set, but no price of {provider}'s models is known. Name some:
# [[arms]]
# name = "{provider}/MODEL"
# input_price = 0.5
# output_price = 1.5
"""


def preset_starter(preset: Preset) -> str:
    """The settings file to start with, for a preset."""
    return "".join([_HEAD, preset_blocks(preset), _TASK, _EMBEDDINGS])


def starter(keys: Mapping[str, str], arms: Iterable[Arm]) -> str:
    """The settings file to start with.

    Args:
        keys: for each provider whose key is there, the variable that holds it.
        arms: what to choose from, priced for the comments; none writes an example.
    """
    blocks = [_HEAD]
    listed = list(arms)
    if not listed:
        blocks.append(_EXAMPLE)
    blocks += [_arm(arm, keys[arm.provider]) for arm in listed]
    for provider in sorted(set(keys) - {arm.provider for arm in listed}):
        blocks += [_NO_ARMS.format(variable=keys[provider], provider=provider)]
    blocks += [_TASK, _EMBEDDINGS]
    return "".join(blocks)


def _arm(arm: Arm, variable: str) -> str:
    prices = f"{arm.input_price:g} in, {arm.output_price:g} out"
    return f'\n[[arms]]  # {prices}; key in {variable}\nname = "{arm.name}"\n'
