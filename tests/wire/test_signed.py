from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metallm.wire.signed import LONGEST, MOST_REASONS, UNSIGNED, ends, signature_of

OPENAI = {
    "id": "chatcmpl-1",
    "model": "m-2",
    "choices": [{"finish_reason": "stop"}, {"finish_reason": "length"}],
}
ANTHROPIC = {"id": "msg_1", "type": "message", "model": "m-3", "stop_reason": "end_turn"}
RESPONSE = {"id": "resp_1", "object": "response", "model": "m-4", "status": "completed"}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (OPENAI, ("chatcmpl-1", "m-2", ("stop", "length"))),
        (ANTHROPIC, ("msg_1", "m-3", ("end_turn",))),
        (RESPONSE, ("resp_1", "m-4", ("completed",))),
        (
            {**RESPONSE, "status": "incomplete", "incomplete_details": {"reason": "max"}},
            ("resp_1", "m-4", ("max",)),
        ),
    ],
)
def test_whole_answers_of_every_wire_are_read(
    document: object, expected: tuple[str, str, tuple[str, ...]]
) -> None:
    assert signature_of(orjson.dumps(document)) == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"id": "c", "model": "m", "choices": [{"finish_reason": None}]}, ("c", "m", ())),
        ({"choices": [{"finish_reason": "stop"}]}, (None, None, ("stop",))),
        (
            {"type": "message_start", "message": {**ANTHROPIC, "stop_reason": None}},
            ("msg_1", "m-3", ()),
        ),
        (
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
            (None, None, ("tool_use",)),
        ),
        (
            {"type": "response.created", "response": {**RESPONSE, "status": "in_progress"}},
            ("resp_1", "m-4", ()),
        ),
        (
            {"type": "response.completed", "response": RESPONSE},
            ("resp_1", "m-4", ("completed",)),
        ),
    ],
)
def test_events_of_every_wire_are_read_and_those_that_end_an_answer_are_told_apart(
    event: object, expected: tuple[str | None, str | None, tuple[str, ...]]
) -> None:
    raw = orjson.dumps(event)
    assert signature_of(raw) == expected
    assert ends(raw) == bool(expected[2])


def test_a_text_that_looks_like_an_end_is_none() -> None:
    text = '{"finish_reason": "stop", "type": "response.completed"}'
    raw = orjson.dumps({"choices": [{"delta": {"content": text}, "finish_reason": None}]})
    assert not ends(raw)


@given(
    st.binary()
    | st.recursive(
        st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=400),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "id",
                        "model",
                        "choices",
                        "finish_reason",
                        "stop_reason",
                        "message",
                        "response",
                        "delta",
                        "object",
                        "status",
                        "incomplete_details",
                        "reason",
                    ]
                ),
                inner,
            )
        ),
        max_leaves=12,
    ).map(lambda value: orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS))
)
def test_whatever_a_host_sends_is_read_within_bounds(raw: bytes) -> None:
    answer_id, model, reasons = signature_of(raw)
    texts = [text for text in (answer_id, model, *reasons) if text is not None]
    assert all(isinstance(text, str) and 0 < len(text) <= LONGEST for text in texts)
    assert len(reasons) <= MOST_REASONS


def test_what_cannot_be_read_tells_nothing() -> None:
    assert signature_of(b"") == signature_of(b"[1]") == signature_of(b"{") == UNSIGNED
