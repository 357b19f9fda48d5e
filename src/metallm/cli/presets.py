"""Ready settings for the platforms of the paper: which arms, and what else they need.

The paper's own models are partly retired. Where one is, a model of its maker and place in the
ladder of prices stands for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from metallm.core.arm import Arm

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Preset:
    """Arms of one platform.

    Args:
        about: what they are, one line.
        needs: what has to be there before they answer, one line.
        arms: cheap to dear. Those of the price table have no price here.
    """

    about: str
    needs: str
    arms: tuple[Arm, ...]


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "paper-openai": Preset(
            "OpenAI, four steps from cheap to dear, as ada, babbage, curie and davinci were",
            "OPENAI_API_KEY in the environment",
            (
                Arm("openai/gpt-4o-mini"),
                Arm("openai/gpt-3.5-turbo"),
                Arm("openai/gpt-4o"),
                Arm("openai/gpt-4"),
            ),
        ),
        "paper-bedrock": Preset(
            "Amazon Bedrock: Titan, Claude and LLaMA",
            "pip install 'metallm[bedrock]', and AWS credentials and AWS_REGION as for any AWS "
            "client; access to the models is asked for in the Bedrock console",
            (
                Arm("bedrock/amazon.titan-text-lite-v1"),
                Arm("bedrock/amazon.titan-text-express-v1"),
                Arm("bedrock/meta.llama3-8b-instruct-v1:0"),
                Arm("bedrock/anthropic.claude-3-haiku-20240307-v1:0"),
                Arm("bedrock/meta.llama3-70b-instruct-v1:0"),
            ),
        ),
        "paper-together": Preset(
            "Together AI: Gemma, LLaMA, Mistral and Qwen, at the paper's prices",
            "TOGETHER_API_KEY in the environment",
            (
                Arm("together/google/gemma-2b-it", 0.1, 0.1),
                Arm("together/meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo", 0.18, 0.18),
                Arm("together/mistralai/Mistral-7B-Instruct-v0.3", 0.2, 0.2),
                Arm("together/Qwen/Qwen2.5-7B-Instruct-Turbo", 0.3, 0.3),
            ),
        ),
    }
)
"""Presets by name."""

_RUN = """
# To collect outcomes, repeat the paper's experiment on them, and start warm:
#   metallm collect queries.csv --text question --reference label --labels positive,negative \\
#     --estimate            # what it will cost; then without it, and with --budget USD
#   metallm paper queries.outcomes.parquet
#   metallm classify new.csv --text question --labels positive,negative \\
#     --warm queries.outcomes.parquet
"""


def preset_blocks(preset: Preset) -> str:
    """The [[arms]] of a preset, and how to go on, as they stand in metallm.toml."""
    lines = [f"\n# {preset.about}.\n# Needs: {preset.needs}.\n"]
    for arm in preset.arms:
        lines.append(f'\n[[arms]]\nname = "{arm.name}"\n')
        if arm.list_price is not None:
            lines.append(f"input_price = {arm.input_price:g}   # USD per million tokens\n")
            lines.append(f"output_price = {arm.output_price:g}\n")
    return "".join([*lines, _RUN])
