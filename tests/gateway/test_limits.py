"""Requests and tokens per minute, and the headers that the official clients read."""

from __future__ import annotations

from pathlib import Path

import openai
import pytest

from gateway.gates import HELLO
from gateway.keyed import MAX_TOKENS, Keyed, key, keyed
from metallm.core.completion import Completion
from metallm.core.price import Usage
from metallm.errors import RateLimitError
from metallm.gateway.limits import KeyLimits, Limits, duration
from metallm.providers.scripted import Cut, ScriptedProvider


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def left(made: Keyed, what: str) -> int:
    """What an answer's header says is left, by a request that costs none of it."""
    return int(made.send("a", "GET", "/v1/models").headers[f"x-ratelimit-remaining-{what}"])


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.0, "0ms"),
        (0.0171, "18ms"),
        (1.5, "1.5s"),
        (59.9991, "60s"),
        (60.0, "1m0s"),
        (361.2, "6m2s"),
    ],
)
def test_times_are_written_as_openais_headers_have_them(seconds: float, told: str) -> None:
    assert duration(seconds) == told


def test_a_key_without_limits_has_no_buckets_and_no_headers(tmp_path: Path) -> None:
    assert Limits().of(key(1, "a")) is None
    with keyed(tmp_path, key(1, "a")) as made:
        assert not [name for name in made.chat("a").headers if "ratelimit" in name]


def test_a_limit_that_was_changed_begins_anew_and_one_that_was_not_goes_on() -> None:
    clock = Clock()
    limits = Limits(clock)
    first = limits.of(key(1, "a", requests_per_minute=1))
    assert first is not None
    first.take_request()
    assert limits.of(key(1, "a", requests_per_minute=1, arms=("x",))) is first
    with pytest.raises(RateLimitError, match="1 requests per minute"):
        first.take_request()
    again = limits.of(key(1, "a", requests_per_minute=2))
    assert again is not None
    again.take_request()


def test_headers_tell_limit_rest_and_reset_of_what_is_limited() -> None:
    clock = Clock()
    limits = KeyLimits(key(1, "a", requests_per_minute=60, tokens_per_minute=6000), clock)
    limits.take_request()
    limits.take_tokens(600.5)
    assert {name.decode(): value.decode() for name, value in limits.headers()} == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-limit-tokens": "6000",
        "x-ratelimit-remaining-tokens": "5399",
        "x-ratelimit-reset-tokens": "6.005s",
    }
    clock.now += 0.5
    assert dict(limits.headers())[b"x-ratelimit-reset-requests"] == b"500ms"


def test_over_the_limit_the_client_is_told_when_to_come_again(tmp_path: Path) -> None:
    with keyed(tmp_path, key(1, "a", requests_per_minute=2)) as made:
        assert [made.chat("a").status for _ in range(2)] == [200, 200]
        refused = made.chat("a")
        assert (refused.status, refused.error["code"]) == (429, "rate_limit_exceeded")
        assert 29_000 < int(refused.headers["retry-after-ms"]) <= 30_000
        assert refused.headers["retry-after"] == "30"
        assert refused.headers["x-ratelimit-remaining-requests"] == "0"
        assert "x-should-retry" not in refused.headers
        assert made.calls() == 2
        assert made.send("a", "GET", "/v1/models").status == 200


def test_the_official_client_waits_and_gets_its_answer(tmp_path: Path) -> None:
    limited = key(1, "a", requests_per_minute=120)
    with keyed(tmp_path, limited) as made, made.client("a", max_retries=5) as client:
        answers = [client.chat.completions.create(model="auto", messages=HELLO)]
        while made.chat("a").status == 200:
            pass
        answers.append(client.chat.completions.create(model="auto", messages=HELLO))
        assert all(answer.choices[0].message.content for answer in answers)
        raw = client.chat.completions.with_raw_response.create(model="auto", messages=HELLO)
        assert raw.headers["x-ratelimit-limit-requests"] == "120"


def test_without_retries_the_official_client_is_told(tmp_path: Path) -> None:
    with keyed(tmp_path, key(1, "a", requests_per_minute=1)) as made, made.client("a") as client:
        client.chat.completions.create(model="auto", messages=HELLO)
        with pytest.raises(openai.RateLimitError, match="go on in"):
            client.chat.completions.create(model="auto", messages=HELLO)


def test_refusals_are_counted_by_what_was_used_up(tmp_path: Path) -> None:
    admin = key(2, "root", admin=True)
    limited = key(1, "a", requests_per_minute=1000, tokens_per_minute=50)
    with keyed(tmp_path, limited, admin) as made:
        made.chat("a", max_tokens=50)
        assert made.chat("a", max_tokens=50).status == 429
        told = made.send("root", "GET", "/metrics").body.decode()
        assert 'metallm_refusals_total{reason="tokens"} 1.0' in told


@pytest.mark.parametrize("stream", [False, True])
def test_tokens_are_counted_as_they_were_billed(tmp_path: Path, stream: bool) -> None:
    with keyed(tmp_path, key(1, "a", tokens_per_minute=6000)) as made:
        assert left(made, "tokens") == 6000
        assert made.chat("a", stream=stream).status == 200
        # 10 in and 5 out by the scripted usage; the bucket fills by a hundred a second meanwhile
        assert 5985 <= left(made, "tokens") < 6000


def test_before_its_answer_a_request_holds_all_that_it_may_use(tmp_path: Path) -> None:
    with keyed(tmp_path, key(1, "a", tokens_per_minute=1000)) as made:
        reply = made.chat("a", max_tokens=700)
        assert int(reply.headers["x-ratelimit-remaining-tokens"]) >= 984
        assert made.chat("a", max_tokens=10**6).status == 429
        assert made.chat("a", n=9, max_tokens=10**5).status == 429
        unlimited = made.chat("a", stream=True).headers["x-ratelimit-remaining-tokens"]
        assert 1000 - MAX_TOKENS - 20 <= int(unlimited) < 1000


def test_an_answer_longer_than_was_taken_for_it_is_paid_off(tmp_path: Path) -> None:
    long = Completion("sim/cheap", "x", Usage(500, 1500), 0.0, b'{"choices":[]}')
    script = {"sim/cheap": long, "sim/dear": long}
    with keyed(tmp_path, key(1, "a", tokens_per_minute=1000), script=script) as made:
        assert made.chat("a", max_tokens=10).status == 200
        refused = made.chat("a", max_tokens=10)
        assert refused.status == 429
        assert 55 < int(refused.headers["retry-after"]) <= 61


def test_what_a_failure_did_not_use_comes_back(tmp_path: Path) -> None:
    limited = key(1, "a", tokens_per_minute=1000)
    with keyed(tmp_path, limited, script={"sim/cheap": Cut("half"), "sim/dear": Cut("")}) as made:
        assert made.chat("a", max_tokens=900).status == 502
        assert left(made, "tokens") == 1000


def test_tokens_that_nobody_counted_stay_taken(tmp_path: Path) -> None:
    silent = ScriptedProvider({"sim/cheap": "hi", "sim/dear": "hi"}, usage=None)
    with keyed(tmp_path, key(1, "a", tokens_per_minute=1000), provider=silent) as made:
        assert made.chat("a", max_tokens=900).status == 200
        assert left(made, "tokens") < 200
