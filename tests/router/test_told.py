from __future__ import annotations

import numpy as np
import pytest

from doubles import CHEAP, DEAR, HashEmbedder
from metallm import Router
from metallm.core.query import Message, Query
from metallm.errors import StoreError
from metallm.router.told import DIM, NAME_DIM, NAME_LENGTH, told

QUESTION: Message = {"role": "user", "content": "which one?"}
SYSTEM: Message = {"role": "system", "content": "You triage tickets."}


def _one(*messages: Message, task: str | None = None, labels: tuple[str, ...] = ()) -> np.ndarray:
    entries: np.ndarray = told([Query.of(list(messages), task=task)], labels)[0]
    return entries


def test_a_bare_text_tells_nothing() -> None:
    assert not told([Query.of("which one?")]).any()


def test_a_task_s_name_is_a_direction_of_its_own() -> None:
    names = ["emotion", "stance", "humour", "irony"]
    found = told([Query.of("a", task=name) for name in names])[:, :NAME_DIM]
    assert np.linalg.norm(found, axis=1) == pytest.approx(NAME_LENGTH)
    alike = (found @ found.T) / NAME_LENGTH**2
    assert np.abs(alike - np.eye(4)).max() < 0.6
    again = told([Query.of("another text", task="stance")])[0]
    assert again[:NAME_DIM].tolist() == found[1].tolist()


def test_the_system_prompt_stands_in_for_a_task_and_the_labels_for_both() -> None:
    by_prompt = _one(SYSTEM, QUESTION)
    assert by_prompt[:NAME_DIM].any()
    assert by_prompt[:NAME_DIM].tolist() == _one(SYSTEM, QUESTION, task=None)[:NAME_DIM].tolist()
    named = _one(SYSTEM, QUESTION, task="triage", labels=("a", "b"))
    assert named[:NAME_DIM].tolist() == _one(QUESTION, task="triage")[:NAME_DIM].tolist()
    assert _one(QUESTION, labels=("a", "b"))[:NAME_DIM].any()
    assert not _one(QUESTION)[:NAME_DIM].any()


def test_the_shape_of_a_conversation_is_told() -> None:
    answer: Message = {"role": "assistant", "content": "this one"}
    alone, longer = _one(SYSTEM, QUESTION)[NAME_DIM:], _one(QUESTION, answer, QUESTION)[NAME_DIM:]
    assert alone[0] > 0.0
    assert alone[1] == 0.0
    assert longer[0] == 0.0
    assert longer[1] > 0.0
    assert longer[2] > 0.0
    assert np.isfinite(_one(*[QUESTION] * 500)).all()


def test_decisions_carry_it_in_their_context_except_under_the_paper_s_policy() -> None:
    decision = Router([CHEAP, DEAR], embedder=HashEmbedder()).decide("a text", task="t")
    assert len(decision.context) == HashEmbedder.dim + DIM
    assert decision.context[HashEmbedder.dim :].any()
    bare = Router([CHEAP, DEAR], embedder=HashEmbedder(), policy="paper").decide("a text", task="t")
    assert len(bare.context) == HashEmbedder.dim


def test_a_log_without_it_is_not_continued_with_it(tmp_path: object) -> None:
    path = f"{tmp_path}/log.db"
    Router([CHEAP, DEAR], embedder=HashEmbedder(), policy="paper", store=path).close()
    with pytest.raises(StoreError, match="told"):
        Router([CHEAP, DEAR], embedder=HashEmbedder(), store=path)
