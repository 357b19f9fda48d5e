"""Embeddings: passed on by name as they are, counted and told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import orjson
import pytest

from gateway.embedding_hosts import ANSWER, ASK, NAME, PATH, SECRET, Upstream, before, rules
from gateway.gates import Gate, gate
from metallm.assembly.charged import embedding_poster
from metallm.core.arm import Arm
from metallm.core.wires import OPENAI
from metallm.errors import ConfigurationError
from metallm.gateway.keyring import Keyring
from metallm.gateway.rules import Rules
from metallm.providers.bounds import Bounds
from metallm.settings import EmbeddingSettings, load_settings
from metallm.store.keys import KeyFile
from servers import running

Plain = tuple[Gate, Upstream]


@pytest.fixture(scope="module")
def plain() -> Iterator[Plain]:
    """A gateway and its host, for tests that only ask."""
    upstream = Upstream()
    with before(upstream) as made:
        yield made, upstream


def test_body_and_answer_pass_as_they_are_but_for_the_model() -> None:
    upstream = Upstream()
    with before(upstream) as made:
        reply = made.send("POST", PATH, ASK, headers={"Authorization": "Bearer the-callers"})
    assert (reply.status, reply.body) == (200, ANSWER)
    ((path, body, headers),) = upstream.asked
    assert path == "/v1/embeddings"
    assert body == {**ASK, "model": "embed-small"}
    assert headers[b"authorization"] == f"Bearer {SECRET}".encode()
    assert reply.headers["x-metallm-arm"] == NAME
    assert float(reply.headers["x-metallm-cost-usd"]) == 0.04


def test_the_bill_is_counted_and_logged_and_nothing_is_decided_or_learned() -> None:
    with before(Upstream()) as made:
        made.send("POST", PATH, ASK)
        metrics = made.send("GET", "/metrics").body.decode()
        lines = made.lines()
    assert f'metallm_tokens_total{{arm="{NAME}",kind="input"}} 2e+06' in metrics
    assert f'metallm_cost_usd_total{{arm="{NAME}"}} 0.04' in metrics
    assert 'metallm_requests_total{kind="embeddings",status="2xx"} 1.0' in metrics
    assert "metallm_decisions_total{" not in metrics
    (billed,) = (line for line in lines if line["event"] == "embeddings")
    assert (billed["arm"], billed["input_tokens"], billed["cost_usd"]) == (NAME, 2_000_000, 0.04)
    (asked,) = (line for line in lines if line.get("path") == PATH)
    assert (asked["arm"], asked["request_id"]) == (NAME, billed["request_id"])


def test_a_bill_that_nobody_can_tell_is_not_told() -> None:
    unpriced = {"input_price": None, "output_price": None, "price": "unknown"}
    with before(Upstream(), **unpriced) as made:
        assert "x-metallm-cost-usd" not in made.send("POST", PATH, ASK).headers
    with before(Upstream(answer=b'{"data":[]}')) as made:
        reply = made.send("POST", PATH, ASK)
        assert (reply.status, reply.body) == (200, b'{"data":[]}')
        assert "x-metallm-cost-usd" not in reply.headers


def test_the_official_client_is_served(plain: Plain) -> None:
    with plain[0].client() as client:
        answer = client.embeddings.create(model=NAME, input="one", encoding_format="float")
        assert answer.data[0].embedding == [0.25, -1.5]
        assert [each.id for each in client.models.list()][-1] == NAME
        assert client.models.retrieve(NAME).owned_by == "up"
        with pytest.raises(openai.NotFoundError, match=NAME) as missing:
            client.embeddings.create(model="sim/cheap", input="one")
        assert missing.value.code == "model_not_found"


def test_without_any_model_the_answer_says_how_to_set_one_up() -> None:
    with gate() as made:
        reply = made.send("POST", PATH, ASK)
    assert reply.status == 404
    assert "[[embeddings]]" in reply.error["message"]
    assert reply.headers["x-should-retry"] == "false"


def test_embedding_models_take_no_questions(plain: Plain) -> None:
    assert plain[0].chat(model=NAME).status == 404


@pytest.mark.parametrize(
    "told",
    [
        {"input": "a text"},
        {"input": ["one", "another"]},
        {"input": [101, 7592, 102]},
        {"input": [[101, 102], [7592]]},
        {"input": "a text", "dimensions": 64, "encoding_format": "base64", "user": "u"},
        {"input": [{"image": "https://example.org/cat.png"}, "a text"], "truncate": "END"},
    ],
)
def test_texts_and_tokens_of_every_shape_go_as_they_came(plain: Plain, told: Any) -> None:
    made, upstream = plain
    assert made.send("POST", PATH, {"model": NAME, **told}).status == 200
    assert upstream.asked[-1][1] == {"model": "embed-small", **told}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": "x"}, "model"),
        ({"model": 3, "input": "x"}, "model"),
        ({"model": NAME}, "input"),
        ({"model": NAME, "input": None}, "input"),
        ({"model": NAME, "input": ""}, "input"),
        ({"model": NAME, "input": []}, "input"),
        ({"model": NAME, "input": {"text": "x"}}, "input"),
        ({"model": NAME, "input": 3}, "input"),
        ({**ASK, "metallm": {}}, "metallm"),
    ],
)
def test_a_body_that_cannot_be_used_is_refused_by_the_fields_name(
    plain: Plain, body: Any, param: str
) -> None:
    made, upstream = plain
    before_it = len(upstream.asked)
    reply = made.send("POST", PATH, body)
    assert (reply.status, reply.error["param"]) == (400, param)
    assert reply.headers["x-should-retry"] == "false"
    assert len(upstream.asked) == before_it


def test_what_is_no_json_or_too_deep_or_too_large_is_refused() -> None:
    upstream = Upstream()
    deep = b'{"model": "%s", "input": "x", "more": %s}' % (NAME.encode(), b"[" * 400 + b"]" * 400)
    with before(upstream) as made:
        for raw, status in ((b"{", 400), (b"[]", 400), (deep, 400), (b" " * 100_001, 413)):
            assert made.send("POST", PATH, raw=raw).status == status
        assert made.send("GET", PATH).status == 405
    assert not upstream.asked


def test_a_repeat_by_its_key_gets_the_first_answer_and_is_billed_once() -> None:
    upstream = Upstream()
    with before(upstream) as made:
        told = {"Idempotency-Key": "a1"}
        first, again = (made.send("POST", PATH, ASK, headers=told) for _ in range(2))
        other = made.send("POST", PATH, {**ASK, "input": "x"}, headers=told)
        metrics = made.send("GET", "/metrics").body.decode()
    assert first.body == again.body == ANSWER
    assert again.headers["idempotent-replayed"] == "true"
    assert other.status == 422
    assert len(upstream.asked) == 1
    assert f'metallm_cost_usd_total{{arm="{NAME}"}} 0.04' in metrics


def test_a_request_keeps_its_id_and_our_own_time_is_told(plain: Plain) -> None:
    reply = plain[0].send("POST", PATH, ASK, headers={"x-request-id": "mine"})
    assert reply.headers["x-request-id"] == "mine"
    assert 0.0 <= float(reply.headers["x-metallm-overhead-ms"]) < 5000.0


def test_a_model_goes_by_its_providers_name_where_that_is_one_alones(plain: Plain) -> None:
    made, upstream = plain
    assert made.send("POST", PATH, {**ASK, "model": "embed-small"}).status == 200
    assert upstream.asked[-1][1]["model"] == "embed-small"
    assert made.send("POST", PATH, {**ASK, "model": "auto"}).status == 404


@pytest.mark.parametrize(("status", "told"), [(400, 400), (401, 502), (429, 429), (500, 502)])
def test_a_hosts_refusal_is_told_without_our_key(status: int, told: int) -> None:
    answer = orjson.dumps({"error": {"message": f"bad key {SECRET}", "type": "x"}})
    upstream = Upstream(status, answer)
    with before(upstream) as made:
        reply = made.send("POST", PATH, ASK)
        assert SECRET not in made.log.getvalue()
        metrics = made.send("GET", "/metrics").body.decode()
    assert reply.status == told
    assert SECRET.encode() not in reply.body
    assert len(upstream.asked) == 1  # clients repeat by themselves
    assert f'metallm_failures_total{{arm="{NAME}"' in metrics


@pytest.mark.parametrize(
    "answer", [b"not json", b"[]", b"{}", b'{"error": {"message": "no", "code": 503}, "data": []}']
)
def test_an_answer_without_embeddings_is_a_failure_of_its_host(answer: bytes) -> None:
    with before(Upstream(answer=answer)) as made:
        reply = made.send("POST", PATH, ASK)
    assert (reply.status, reply.error["code"]) == (502, "provider_unavailable")
    assert NAME in reply.error["message"]


def test_how_long_a_host_wants_to_rest_is_told_to_the_client() -> None:
    limited = Upstream(429, b"{}", headers=((b"retry-after", b"7"),))
    with (
        before(limited) as made,
        made.client() as client,
        pytest.raises(openai.RateLimitError) as caught,
    ):
        client.embeddings.create(model=NAME, input="one")
    assert caught.value.response.headers["retry-after"] == "7"


def test_a_host_that_is_not_there_is_told() -> None:
    with running(Upstream()) as url:
        gone = rules(url)
    with gate(rules=Rules(**gone)) as made:
        assert made.send("POST", PATH, ASK).status == 502


@pytest.mark.parametrize("name", ["auto", "sim/cheap"])
def test_a_name_that_means_something_else_is_refused_at_the_start(name: str) -> None:
    told = Rules(embeddings=(Arm(name, base_url="http://127.0.0.1:9"),))
    with pytest.raises(ConfigurationError, match="something else"), gate(rules=told):
        pass


def test_tables_of_the_settings_become_models_with_prices(tmp_path: Path) -> None:
    path = tmp_path / "metallm.toml"
    path.write_text('[[embeddings]]\nname = "openai/text-embedding-3-small"\n', encoding="utf-8")
    (table,) = load_settings(path).embeddings
    assert table.arm().wire == OPENAI
    assert table.arm().upstream_model == "text-embedding-3-small"
    ring = Keyring(KeyFile(tmp_path / "keys.db"))
    poster = embedding_poster(load_settings(path).providers)
    made = Rules.of(load_settings(path), ring, Bounds(1), local=True, poster=poster)
    (model,) = made.embeddings
    assert model.list_price is not None  # the price table's, which knows no output of it
    assert model.list_price.output == 0.0
    assert made.poster is poster
    given = EmbeddingSettings(name="x/y", base_url="http://127.0.0.1:9", input_price=0.5)
    price = given.arm().list_price
    assert price is not None
    assert (price.input, price.output) == (0.5, 0.0)
