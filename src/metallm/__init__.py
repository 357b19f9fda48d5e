"""MetaLLM: the router that learns which LLM to ask.

Names are loaded when they are first used, so that `import metallm` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metallm.assembly import Router
    from metallm.core.arm import Arm
    from metallm.core.audit import Audit
    from metallm.core.decision import ArmEstimate, Decision
    from metallm.core.hedge import Hedge
    from metallm.core.judge_arm import JudgeArm
    from metallm.core.outcome import Outcome
    from metallm.core.task import Task
    from metallm.errors import MetaLLMError
    from metallm.estimators.classifier import Classifier as Classifier
    from metallm.router.answers import Answer, Classified, Judgement
    from metallm.settings import Settings, load_settings

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Arm",
    "ArmEstimate",
    "Audit",
    "Classified",
    "Decision",
    "Hedge",
    "JudgeArm",
    "Judgement",
    "MetaLLMError",
    "Outcome",
    "Router",
    "Settings",
    "Task",
    "load_settings",
]

# `Classifier` is public too, and not above: `from metallm import *` must not need scikit-learn
_HOMES = {
    "Answer": "metallm.router.answers",
    "Arm": "metallm.core.arm",
    "ArmEstimate": "metallm.core.decision",
    "Audit": "metallm.core.audit",
    "Classified": "metallm.router.answers",
    "Classifier": "metallm.estimators.classifier",
    "Decision": "metallm.core.decision",
    "Hedge": "metallm.core.hedge",
    "JudgeArm": "metallm.core.judge_arm",
    "Judgement": "metallm.router.answers",
    "MetaLLMError": "metallm.errors",
    "Outcome": "metallm.core.outcome",
    "Router": "metallm.assembly",
    "Settings": "metallm.settings",
    "Task": "metallm.core.task",
    "load_settings": "metallm.settings",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'metallm' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
