"""Bills made out by hand: what providers tell of their usage, and what has to be paid for it.

Each case is a provider's own `usage` and the lines of its bill, (tokens, USD per million tokens):
every token stands in one line. A new wire, or a new way to be told of tokens, is a new row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from metallm.core.price import Price, Tier
from metallm.core.wires import ANTHROPIC, BEDROCK, GEMINI, OPENAI, RESPONSES

Lines = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Bill:
    """One case.

    Args:
        told: what the case is about.
        wire: how the provider is spoken to.
        model: as it is sent upstream.
        price: list price.
        usage: as the provider tells it, of a whole answer and at the end of a stream.
        lines: tokens and their USD per million.
    """

    told: str
    wire: str
    model: str
    price: Price
    usage: dict[str, Any]
    lines: Lines

    @property
    def usd(self) -> float:
        return sum(tokens * usd_per_mtok for tokens, usd_per_mtok in self.lines) / 1e6


GPT_4O = Price(2.5, 10.0, 1.25)
O3 = Price(2.0, 8.0, 0.5)
GPT_54 = Price(2.5, 15.0, 0.25, tiers=(Tier(272_000, 5.0, 22.5, 0.5),))
DEEPSEEK = Price(0.28, 0.42, 0.028)
GROK = Price(2.0, 6.0, 0.3, tiers=(Tier(199_999, 4.0, 12.0, 0.6),))
SONNET = Price(3.0, 15.0, 0.3, 3.75, 6.0, tiers=(Tier(200_000, 6.0, 22.5, 0.6, 7.5, 12.0),))
HAIKU = Price(0.25, 1.25, 0.03, 0.3)
FLASH = Price(0.3, 2.5, 0.03)
PRO = Price(1.25, 10.0, 0.125, tiers=(Tier(200_000, 2.5, 15.0, 0.25),))
TITAN = Price(0.2, 0.6)
LLAMA = Price(2.65, 3.5)
NOVA = Price(0.8, 3.2, 0.2)
US_SONNET = Price(3.3, 16.5, 0.33, 4.125, 6.6)
GPT_6 = Price(2.0, 10.0, 0.2, 2.5, tiers=(Tier(272_000, 4.0, 15.0, 0.4, 5.0),))
FREE = Price(0.0, 0.0)


def _openai(prompt: int, completion: int, **more: Any) -> dict[str, Any]:
    told = {"prompt_tokens": prompt, "completion_tokens": completion}
    return {**told, "total_tokens": prompt + completion, **more}


def _anthropic(plain: int, output: int, read: int = 0, written: int = 0) -> dict[str, Any]:
    return {
        "input_tokens": plain,
        "output_tokens": output,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
    }


def _gemini(prompt: int, said: int, **more: int) -> dict[str, Any]:
    told = {"promptTokenCount": prompt, "candidatesTokenCount": said, **more}
    thought, tools = more.get("thoughtsTokenCount", 0), more.get("toolUsePromptTokenCount", 0)
    return {"totalTokenCount": prompt + said + thought + tools, **told}


def _bedrock(plain: int, output: int, **more: Any) -> dict[str, Any]:
    told = {"inputTokens": plain, "outputTokens": output, **more}
    cached = more.get("cacheReadInputTokens", 0) + more.get("cacheWriteInputTokens", 0)
    return {"totalTokens": plain + output + cached, **told}


def _responses(
    asked: int, said: int, *, cached: int = 0, written: int = 0, reasoning: int = 0
) -> dict[str, Any]:
    return {
        "input_tokens": asked,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
        "output_tokens": said,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": asked + said,
    }


_CACHED: dict[str, Any] = {"prompt_tokens_details": {"cached_tokens": 1_024}}
_REASONED: dict[str, Any] = {"completion_tokens_details": {"reasoning_tokens": 448}}

OPENAI_BILLS = (
    Bill("plain", OPENAI, "gpt-4o", GPT_4O, _openai(100, 20), ((100, 2.5), (20, 10.0))),
    Bill(
        "cached tokens are among the prompt's",
        OPENAI,
        "gpt-4o",
        GPT_4O,
        _openai(1_500, 20, **_CACHED),
        ((476, 2.5), (1_024, 1.25), (20, 10.0)),
    ),
    Bill(
        "reasoning is among the completion's",
        OPENAI,
        "o3",
        O3,
        _openai(100, 500, **_REASONED),
        ((100, 2.0), (500, 8.0)),
    ),
    Bill(
        "cached and reasoning at once",
        OPENAI,
        "o3",
        O3,
        _openai(1_500, 500, **_CACHED, **_REASONED),
        ((476, 2.0), (1_024, 0.5), (500, 8.0)),
    ),
    Bill(
        "details that are null",
        OPENAI,
        "gpt-4o",
        GPT_4O,
        _openai(100, 20, prompt_tokens_details=None, completion_tokens_details=None),
        ((100, 2.5), (20, 10.0)),
    ),
    Bill(
        "the longest call of the lower tier",
        OPENAI,
        "gpt-5.4",
        GPT_54,
        _openai(272_000, 1_000),
        ((272_000, 2.5), (1_000, 15.0)),
    ),
    Bill(
        "one token more: all of them at the higher tier, cached ones too",
        OPENAI,
        "gpt-5.4",
        GPT_54,
        _openai(272_001, 1_000, prompt_tokens_details={"cached_tokens": 72_001}),
        ((200_000, 5.0), (72_001, 0.5), (1_000, 22.5)),
    ),
    Bill(
        "a host that tells cache hits in a field of its own",
        OPENAI,
        "deepseek-chat",
        DEEPSEEK,
        _openai(1_000, 50, prompt_cache_hit_tokens=640, prompt_cache_miss_tokens=360),
        ((360, 0.28), (640, 0.028), (50, 0.42)),
    ),
    Bill(
        "a host that counts reasoning in the total alone",
        OPENAI,
        "grok-4.5",
        GROK,
        {**_openai(100, 20, **_REASONED), "total_tokens": 568},
        ((100, 2.0), (468, 6.0)),
    ),
    Bill(
        "a host that tells what it wrote to a cache",
        OPENAI,
        "anthropic/claude-sonnet-4.5",
        SONNET,
        _openai(2_000, 20, prompt_tokens_details={"cached_tokens": 500, "cache_write_tokens": 900}),
        ((600, 3.0), (500, 0.3), (900, 3.75), (20, 15.0)),
    ),
    Bill(
        "a cache that costs nothing less, for no price of it is known",
        OPENAI,
        "llama-3.3-70b",
        LLAMA,
        _openai(1_500, 20, **_CACHED),
        ((1_500, 2.65), (20, 3.5)),
    ),
    Bill("a model of one's own", OPENAI, "qwen3", FREE, _openai(9_000, 900), ((9_900, 0.0),)),
)

ANTHROPIC_BILLS = (
    Bill(
        "plain",
        ANTHROPIC,
        "claude-sonnet-4-5",
        SONNET,
        _anthropic(100, 20),
        ((100, 3.0), (20, 15.0)),
    ),
    Bill(
        "read from the cache, beside the input",
        ANTHROPIC,
        "claude-sonnet-4-5",
        SONNET,
        _anthropic(100, 20, read=1_800),
        ((100, 3.0), (1_800, 0.3), (20, 15.0)),
    ),
    Bill(
        "written to the cache, beside the input",
        ANTHROPIC,
        "claude-sonnet-4-5",
        SONNET,
        _anthropic(100, 20, written=1_800),
        ((100, 3.0), (1_800, 3.75), (20, 15.0)),
    ),
    Bill(
        "written to be kept for an hour",
        ANTHROPIC,
        "claude-sonnet-4-5",
        SONNET,
        {
            **_anthropic(100, 20, read=500, written=1_800),
            "cache_creation": {
                "ephemeral_5m_input_tokens": 800,
                "ephemeral_1h_input_tokens": 1_000,
            },
        },
        ((100, 3.0), (500, 0.3), (800, 3.75), (1_000, 6.0), (20, 15.0)),
    ),
    Bill(
        "thoughts are among the output",
        ANTHROPIC,
        "claude-sonnet-4-5",
        SONNET,
        {**_anthropic(100, 900), "output_tokens_details": {"thinking_tokens": 850}},
        ((100, 3.0), (900, 15.0)),
    ),
    Bill(
        "the whole prompt from the cache",
        ANTHROPIC,
        "claude-3-haiku-20240307",
        HAIKU,
        _anthropic(0, 20, read=4_000),
        ((4_000, 0.03), (20, 1.25)),
    ),
    Bill(
        "a long call, for what the cache holds counts too",
        ANTHROPIC,
        "claude-sonnet-4-5",
        SONNET,
        _anthropic(1_000, 200, read=190_000, written=9_001),
        ((1_000, 6.0), (190_000, 0.6), (9_001, 7.5), (200, 22.5)),
    ),
)

GEMINI_BILLS = (
    Bill("plain", GEMINI, "gemini-2.5-flash", FLASH, _gemini(100, 20), ((100, 0.3), (20, 2.5))),
    Bill(
        "cached tokens are among the prompt's",
        GEMINI,
        "gemini-2.5-flash",
        FLASH,
        _gemini(5_000, 20, cachedContentTokenCount=4_096),
        ((904, 0.3), (4_096, 0.03), (20, 2.5)),
    ),
    Bill(
        "thoughts stand beside what was said",
        GEMINI,
        "gemini-2.5-flash",
        FLASH,
        _gemini(100, 20, thoughtsTokenCount=700),
        ((100, 0.3), (720, 2.5)),
    ),
    Bill(
        "cached tokens and thoughts at once",
        GEMINI,
        "gemini-2.5-pro",
        PRO,
        _gemini(5_000, 20, cachedContentTokenCount=4_096, thoughtsTokenCount=700),
        ((904, 1.25), (4_096, 0.125), (720, 10.0)),
    ),
    Bill(
        "thoughts that are counted among what was said: the total tells",
        GEMINI,
        "gemini-2.5-flash",
        FLASH,
        {**_gemini(100, 720, thoughtsTokenCount=700), "totalTokenCount": 820},
        ((100, 0.3), (720, 2.5)),
    ),
    Bill(
        "nothing but thoughts, for the limit was reached: zeros are left out",
        GEMINI,
        "gemini-2.5-flash",
        FLASH,
        {"promptTokenCount": 100, "thoughtsTokenCount": 64, "totalTokenCount": 164},
        ((100, 0.3), (64, 2.5)),
    ),
    Bill(
        "what Google's own tools found is read as well",
        GEMINI,
        "gemini-2.5-flash",
        FLASH,
        _gemini(100, 20, toolUsePromptTokenCount=3_000),
        ((3_100, 0.3), (20, 2.5)),
    ),
    Bill(
        "the longest call of the lower tier",
        GEMINI,
        "gemini-2.5-pro",
        PRO,
        _gemini(200_000, 100, thoughtsTokenCount=900),
        ((200_000, 1.25), (1_000, 10.0)),
    ),
    Bill(
        "one token more: all of them at the higher tier, cached ones too",
        GEMINI,
        "gemini-2.5-pro",
        PRO,
        _gemini(200_001, 100, cachedContentTokenCount=150_001, thoughtsTokenCount=900),
        ((50_000, 2.5), (150_001, 0.25), (1_000, 15.0)),
    ),
    Bill(
        "a prompt that was blocked",
        GEMINI,
        "gemini-2.5-flash",
        FLASH,
        {"promptTokenCount": 100, "totalTokenCount": 100},
        ((100, 0.3),),
    ),
)

BEDROCK_BILLS = (
    Bill(
        "Titan",
        BEDROCK,
        "amazon.titan-text-express-v1",
        TITAN,
        _bedrock(100, 20),
        ((100, 0.2), (20, 0.6)),
    ),
    Bill(
        "Llama",
        BEDROCK,
        "meta.llama3-70b-instruct-v1:0",
        LLAMA,
        _bedrock(100, 20),
        ((100, 2.65), (20, 3.5)),
    ),
    Bill(
        "Nova reads from its cache, beside the input",
        BEDROCK,
        "amazon.nova-pro-v1:0",
        NOVA,
        _bedrock(723, 20, cacheReadInputTokens=2_459),
        ((723, 0.8), (2_459, 0.2), (20, 3.2)),
    ),
    Bill(
        "Nova writes to its cache for the price of plain input",
        BEDROCK,
        "amazon.nova-pro-v1:0",
        NOVA,
        _bedrock(723, 20, cacheWriteInputTokens=2_459),
        ((3_182, 0.8), (20, 3.2)),
    ),
    Bill(
        "Claude reads from its cache, at a region's price",
        BEDROCK,
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        US_SONNET,
        _bedrock(562, 20, cacheReadInputTokens=3_059, cacheWriteInputTokens=0),
        ((562, 3.3), (3_059, 0.33), (20, 16.5)),
    ),
    Bill(
        "Claude writes to its cache",
        BEDROCK,
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        US_SONNET,
        _bedrock(2, 20, cacheReadInputTokens=0, cacheWriteInputTokens=13_923),
        ((2, 3.3), (13_923, 4.125), (20, 16.5)),
    ),
    Bill(
        "Claude writes some for an hour and some for five minutes",
        BEDROCK,
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        US_SONNET,
        _bedrock(
            2,
            20,
            cacheReadInputTokens=500,
            cacheWriteInputTokens=1_500,
            cacheDetails=[
                {"ttl": "1h", "inputTokens": 1_000},
                {"ttl": "5m", "inputTokens": 500},
            ],
        ),
        ((2, 3.3), (500, 0.33), (500, 4.125), (1_000, 6.6), (20, 16.5)),
    ),
    Bill(
        "a long call, for what the cache holds counts too",
        BEDROCK,
        "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
        SONNET,
        _bedrock(1_000, 200, cacheReadInputTokens=199_001),
        ((1_000, 6.0), (199_001, 0.6), (200, 22.5)),
    ),
    Bill(
        "models of OpenAI's that tell what was not cached",
        BEDROCK,
        "global.openai.gpt-6-sol",
        GPT_6,
        _bedrock(2, 20, cacheReadInputTokens=0, cacheWriteInputTokens=4_993),
        ((2, 2.0), (4_993, 2.5), (20, 10.0)),
    ),
    Bill(
        "models of OpenAI's that tell all of the input",
        BEDROCK,
        "global.openai.gpt-6-sol",
        GPT_6,
        _bedrock(4_995, 20, cacheReadInputTokens=0, cacheWriteInputTokens=4_993),
        ((2, 2.0), (4_993, 2.5), (20, 10.0)),
    ),
    Bill(
        "models of OpenAI's, read and written at once",
        BEDROCK,
        "global.openai.gpt-6-sol",
        GPT_6,
        _bedrock(12_401, 20, cacheReadInputTokens=8_367, cacheWriteInputTokens=4_032),
        ((2, 2.0), (8_367, 0.2), (4_032, 2.5), (20, 10.0)),
    ),
)

RESPONSES_BILLS = (
    Bill("plain", RESPONSES, "gpt-4o", GPT_4O, _responses(100, 20), ((100, 2.5), (20, 10.0))),
    Bill(
        "cached tokens are among the input's and reasoning among the output's",
        RESPONSES,
        "o3",
        O3,
        _responses(1_500, 500, cached=1_024, reasoning=448),
        ((476, 2.0), (1_024, 0.5), (500, 8.0)),
    ),
    Bill(
        "tokens written to the cache have a price of their own",
        RESPONSES,
        "gpt-6",
        GPT_6,
        _responses(2_000, 20, cached=500, written=900),
        ((600, 2.0), (500, 0.2), (900, 2.5), (20, 10.0)),
    ),
    Bill(
        "beyond the threshold all of it costs more",
        RESPONSES,
        "gpt-5.4",
        GPT_54,
        _responses(272_001, 1_000, cached=72_001),
        ((200_000, 5.0), (72_001, 0.5), (1_000, 22.5)),
    ),
    Bill(
        "details may be missing",
        RESPONSES,
        "gpt-4o",
        GPT_4O,
        {"input_tokens": 100, "output_tokens": 20},
        ((100, 2.5), (20, 10.0)),
    ),
)

BILLS = (
    *OPENAI_BILLS,
    *ANTHROPIC_BILLS,
    *GEMINI_BILLS,
    *BEDROCK_BILLS,
    *RESPONSES_BILLS,
)
