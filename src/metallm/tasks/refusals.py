"""What in an answer is no answer: a refusal, a phrase for "none of these", thoughts aloud."""

from __future__ import annotations

import re

_UNABLE = (
    r"(?:can ?not|can['’]?t|could not|could ?n['’]?t|will not|won['’]?t"
    r"|(?:am|['’]m) (?:not able|unable|not going) to|refuse to|(?:must )?decline to)"
)
_ANSWER = (
    r"(?:answer|assist|help|classify|categori[sz]e|label|determine|decide|tell|say|judge|assign"
    r"|provide|give|comply|continue|fulfil+|engage|make|offer|rate|choose|pick|do (?:that|this))"
)
_REFUSAL = re.compile(
    rf"\bI ?{_UNABLE} (?:\w+ly )?{_ANSWER}\b"
    r"|\bI (?:do not|don['’]?t) (?:know\b|have (?:enough|an? opinion|opinions|access|personal)\b)"
    rf"|\bas an? (?:AI|(?:large )?language model)\b[^.!?\n]*?(?:\b{_UNABLE}|\bnot\b|n['’]t\b)"
    rf"|\bunable to {_ANSWER}\b",
    re.IGNORECASE,
)
_NONE = re.compile(
    r"(?:(?:the )?(?:answer|label|category|class)(?: is)?\s*[:=]?\s*)?"
    r"(?:none|neither|no label|nothing)"
    r"(?: of (?:them|these|those|the above|the others?|the (?:labels?|options?|categories|classes)"
    r"|(?:these|those) (?:labels?|options?|categories|classes)))?"
    r"(?: (?:above|listed|given|provided))?(?: (?:labels?|options?|categories|classes))?"
    r"(?: (?:fits?|appl(?:y|ies)|match(?:es)?)(?: (?:the|this) text)?)?",
    re.IGNORECASE,
)
_EDGES = " \t\r\n\"'“”‘’`*_()[]{}.!:"


def refuses(text: str) -> bool:
    """Whether an answer says that it will not answer or cannot. English words only."""
    return _REFUSAL.search(text) is not None


def says_none(answer: str) -> bool:
    """Whether all that an answer says is that none of the labels fits. English words only."""
    # a phrase like that is short, and a long answer stays quick to read
    said = answer.strip(_EDGES)
    return len(said) <= 120 and _NONE.fullmatch(said) is not None


def spoken(answer: str) -> str:
    """What an answer says after the thoughts that some models put before it, in <think> tags.

    An answer that ends within its thoughts says nothing.
    """
    rest = answer.rpartition("</think>")[2]
    return "" if rest.lstrip().startswith("<think>") else rest
