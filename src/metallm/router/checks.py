"""What arguments have to be; each function says what was wrong and how to mend it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from types import MappingProxyType
from typing import TYPE_CHECKING

from metallm.core.classes import OWN_ARMS
from metallm.errors import ConfigurationError, InputError, MetaLLMError, UnknownArmError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metallm.core.arm import Arm
    from metallm.core.audit import Audit
    from metallm.core.hedge import Hedge
    from metallm.core.judge_arm import JudgeArm
    from metallm.core.task import Task

MAX_JUDGE_CHARACTERS = 200


def tasks_by_name(tasks: Sequence[Task]) -> Mapping[str, Task]:
    """Declared tasks by name, for reading.

    Raises:
        ConfigurationError: two of one name.
    """
    named: dict[str, Task] = {}
    for task in tasks:
        if task.name in named:
            raise ConfigurationError(f"two tasks are called {task.name!r}: give each its own name")
        named[task.name] = task
    return MappingProxyType(named)


def arms_by_name(arms: Sequence[Arm]) -> dict[str, Arm]:
    """Arms by their names.

    Raises:
        ConfigurationError: none at all, or two of one name.
    """
    if not arms:
        raise ConfigurationError("a router needs at least one arm")
    by_name = {arm.name: arm for arm in arms}
    if len(by_name) < len(arms):
        names = [arm.name for arm in arms]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ConfigurationError(f"two arms have the same name: {', '.join(twice)}")
    for name in OWN_ARMS & by_name.keys():
        raise ConfigurationError(f"an arm cannot be called {name!r}: the router's own answers are")
    return by_name


def audited(audit: Audit | None, known: Mapping[str, Arm], *, learns: bool) -> Audit | None:
    """An audit that can be made.

    Args:
        audit: None for none.
        known: the arms by name.
        learns: whether tasks' labels are learned.

    Raises:
        ConfigurationError: by an arm that there is not, or where nothing would learn from it.
    """
    if audit is None:
        return None
    if audit.arm not in known:
        raise ConfigurationError(
            f"the audit's arm {audit.arm!r} is none of the arms: {', '.join(known)}"
        )
    if not learns:
        raise ConfigurationError(
            "an audit teaches tasks' labels, and this router learns none: switch `student` on, and "
            "take a policy other than 'paper' or 'fixed:NAME'"
        )
    return audit


def latency_weight_of(value: float) -> float:
    """A weight of seconds.

    Raises:
        ConfigurationError: below 0, or no finite number.
    """
    if not (math.isfinite(value) and value >= 0.0):
        raise ConfigurationError(
            "latency_weight is the reward that a second of waiting takes off, 0 or more, such as "
            f"0.01, not {value!r}"
        )
    return float(value)


def judging_arm(judge: JudgeArm | None, known: Mapping[str, Arm]) -> JudgeArm | None:
    """A judge that can be asked.

    Raises:
        ConfigurationError: it is none of the arms.
    """
    if judge is not None and judge.arm not in known:
        raise ConfigurationError(
            f"the judge's arm {judge.arm!r} is none of the arms: {', '.join(known)}"
        )
    return judge


def hedging(hedge: Hedge, known: Mapping[str, Arm]) -> Hedge:
    """A hedge whose arms there are.

    Raises:
        ConfigurationError: seconds for an arm that there is not.
    """
    named = hedge.after_s if isinstance(hedge.after_s, Mapping) else ()
    for name in named:
        if name not in known:
            raise ConfigurationError(
                f"the hedge's after_s names {name!r}, which is none of the arms: {', '.join(known)}"
            )
    return hedge


def share_of(share: float) -> float:
    """A share of classifications whose labels are asked for.

    Raises:
        ConfigurationError: out of range.
    """
    if not 0.0 <= share <= 1.0:
        raise ConfigurationError(f"label_share is 0 to 1, such as 0.05, not {share!r}")
    return share


def eligible_arms(arms: Sequence[str] | None, known: Mapping[str, Arm]) -> tuple[str, ...]:
    """Names of the arms that may be chosen, each once.

    Raises:
        UnknownArmError: a name that no arm has.
        InputError: an empty list.
    """
    if arms is None:
        return tuple(known)
    for name in arms:
        if name not in known:
            raise UnknownArmError(name, tuple(known))
    if not arms:
        raise InputError("arms is empty: name at least one arm, or leave it out for all")
    return tuple(dict.fromkeys(arms))


def cost_weight_of(value: float, error: type[MetaLLMError] = ConfigurationError) -> float:
    """A cost weight p, 0 and up.

    Raises:
        MetaLLMError: anything else; of the kind `error`.
    """
    if not (_is_number(value) and value >= 0.0):
        raise error(f"cost_weight must be a number of 0 or more, not {value!r}")
    return float(value)


def min_quality_of(value: float | None) -> float:
    """A least quality; None stands for 0, which every arm reaches.

    Raises:
        InputError: no number from 0 to 1.
    """
    if value is None:
        return 0.0
    if not (_is_number(value) and 0.0 <= value <= 1.0):
        raise InputError(f"min_quality must be a number from 0 to 1, not {value!r}")
    return float(value)


def check_text(text: str) -> None:
    """Refuse what is no text to be classified.

    Raises:
        InputError: something else, or an empty text.
    """
    if not isinstance(text, str):
        raise InputError(f"what is classified is a text, not {type(text).__name__}")
    if not text or text.isspace():
        raise InputError("the text is empty: there is nothing to classify")


def check_whole(name: str, value: int) -> None:
    """Refuse what is no whole number of 1 or more.

    Raises:
        InputError: anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{name} must be a whole number of 1 or more, not {value!r}")


def check_range(name: str, value: float | None, most: float = math.inf) -> None:
    """A number from 0 to `most`, or None.

    Raises:
        InputError: anything else.
    """
    if value is None or (_is_number(value) and 0.0 <= value <= most):
        return
    top = "and up" if most == math.inf else f"to {most:g}"
    raise InputError(f"{name} must be a number from 0 {top}, not {value!r}")


def check_weight(value: float) -> None:
    """What a judgement counts: a number above 0, 1 at most.

    Raises:
        InputError: anything else.
    """
    if not (_is_number(value) and 0.0 < value <= 1.0):
        raise InputError(
            f"weight must be a number above 0, 1 at most, not {value!r}: 1 counts in full"
        )


def check_judge(name: str | None) -> None:
    """A judge's name, or None.

    Raises:
        InputError: anything else, an empty text or a very long one.
    """
    if name is None or (isinstance(name, str) and 0 < len(name.strip()) <= MAX_JUDGE_CHARACTERS):
        return
    raise InputError(
        f"judge must be a name of 1 to {MAX_JUDGE_CHARACTERS} characters, not {name!r:.80}: leave "
        "it out for a judgement that is true"
    )


def _is_number(value: object) -> bool:
    # numpy's scalars too, whatever their width
    return isinstance(value, Real) and math.isfinite(value)
