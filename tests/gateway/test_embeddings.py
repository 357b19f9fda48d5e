"""Embeddings: passed on by name, billed, counted, and kept from those who may not have them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openai
import orjson
import pytest

from gateway.gates import Gate, gate
from gateway.keyed import Keyed, key, keyed
from metallm.core.arm import Arm
from metallm.core.budget import Budget
from metallm.core.key import Key
from metallm.core.wires import OPENAI
from metallm.errors import ConfigurationError
from metallm.gateway.keyring import Keyring
from metallm.gateway.rules import Rules
from metallm.providers.bounds import Bounds
from metallm.providers.http import HttpProvider
from metallm.settings import EmbeddingSettings, load_settings
from metallm.store.keys import KeyFile
from servers import running

PATH = "/v1/embeddings"
NAME = "up/embed-small"
ASK = {"model": NAME, "input": ["one", "two"], "brand_new": {"deep": [1, None]}}
ANSWER = (
    b'{"object":"list", "data":[{"object":"embedding","index":0,"embedding":[0.25,-1.5]}],'
    b' "model":"embed-small","usage":{"prompt_tokens":2000000,"total_tokens":2000000},"own":1}'
)
SECRET = "provider-key-of-ours"


@dataclass
class Upstream:
    """A host of embeddings: answers what it is told to, and keeps what it was asked.

    Args:
        status: of its answers.
        answer: their body.
    """

    status: int = 200
    answer: bytes = ANSWER
    asked: list[tuple[str, Any, dict[bytes, bytes]]] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        raw = (await receive())["body"]
        self.asked.append((scope["path"], orjson.loads(raw), dict(scope["headers"])))
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.answer})


def rules(url: str, **model: Any) -> dict[str, Any]:
    """Rules for a gateway whose one embedding model is the upstream's."""
    told = {"input_price": 0.02, "output_price": 0.0, "api_key_env": "UP_KEY", **model}
    arm = Arm(NAME, base_url=f"{url}/v1", wire=OPENAI, **told)
    poster = HttpProvider(max_retries=0, environ={"UP_KEY": SECRET})
    return {"embeddings": (arm,), "poster": poster}


@contextmanager
def before(upstream: Upstream, **model: Any) -> Iterator[Gate]:
    with running(upstream) as url, gate(rules=Rules(**rules(url, **model))) as made:
        yield made


@contextmanager
def keyed_before(upstream: Upstream, folder: Path, *keys: Key, **model: Any) -> Iterator[Keyed]:
    with running(upstream) as url, keyed(folder, *keys, rules=rules(url, **model)) as made:
        yield made


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
    for answer in (b'{"data":[]}', b"[]", b"not json"):
        with before(Upstream(answer=answer)) as made:
            reply = made.send("POST", PATH, ASK)
            assert (reply.status, reply.body) == (200, answer)
            assert "x-metallm-cost-usd" not in reply.headers


def test_the_official_client_is_served() -> None:
    with before(Upstream()) as made, made.client() as client:
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


def test_embedding_models_take_no_questions() -> None:
    with before(Upstream()) as made:
        assert made.chat(model=NAME).status == 404


@pytest.mark.parametrize("body", [{"input": "x"}, {**ASK, "model": 3}, {**ASK, "metallm": {}}])
def test_a_body_that_cannot_be_used_is_refused(body: dict[str, Any]) -> None:
    upstream = Upstream()
    with before(upstream) as made:
        assert made.send("POST", PATH, body).status == 400
    assert not upstream.asked


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


def test_a_key_that_is_held_to_arms_gets_the_models_among_them(tmp_path: Path) -> None:
    keys = (
        key(1, "free"),
        key(2, "held", arms=("sim/cheap",)),
        key(3, "named", arms=(NAME,)),
        key(4, "alias", aliases=("any",)),
    )
    with keyed_before(Upstream(), tmp_path, *keys) as made:
        statuses = {each.name: made.send(each.name, "POST", PATH, ASK).status for each in keys}
        assert statuses == {"free": 200, "held": 404, "named": 200, "alias": 404}
        refused = made.send("held", "POST", PATH, ASK).error["message"]
        assert "none is open to this key" in refused
        assert NAME not in made.send("held", "GET", "/v1/models").body.decode()
        assert NAME in made.send("named", "GET", "/v1/models").body.decode()
        assert made.send(None, "POST", PATH, ASK).status == 401


def budget(usd: float) -> Key:
    return key(1, "a", budget=Budget(usd))


ONE = len(orjson.dumps({**ASK, "model": "embed-small"}))
"""Bytes that go upstream, which bound the tokens."""


def small(tokens: int) -> bytes:
    return orjson.dumps({"data": [], "usage": {"prompt_tokens": tokens, "total_tokens": tokens}})


def test_a_budget_is_charged_what_the_bill_says_and_ends(tmp_path: Path) -> None:
    upstream = Upstream(answer=small(10))
    price = {"input_price": 1.0}
    limit = (ONE + 25) / 1e6  # two bills of 10 tokens leave less than a third may cost at most
    with keyed_before(upstream, tmp_path, budget(limit), **price) as made:
        statuses = [made.send("a", "POST", PATH, ASK).status for _ in range(4)]
        last = made.send("a", "POST", PATH, ASK)
    assert statuses == [200, 200, 200, 429]
    assert last.error["code"] == "insufficient_quota"
    assert len(upstream.asked) == 3


@pytest.mark.parametrize(("status", "charged"), [(400, False), (500, False), (200, True)])
def test_a_call_without_a_bill_costs_what_it_may_at_most_unless_it_was_refused(
    tmp_path: Path, status: int, charged: bool
) -> None:
    upstream = Upstream(status, b"{}")
    limit = (1.5 * ONE) / 1e6
    with keyed_before(upstream, tmp_path, budget(limit), input_price=1.0) as made:
        made.send("a", "POST", PATH, ASK)
        made.send("a", "POST", PATH, ASK)
    assert len(upstream.asked) == (1 if charged else 2)


def test_without_a_price_no_budget_can_hold_a_model(tmp_path: Path) -> None:
    unpriced = {"input_price": None, "output_price": None, "price": "unknown"}
    with keyed_before(Upstream(), tmp_path, budget(1.0), **unpriced) as made:
        reply = made.send("a", "POST", PATH, ASK)
    assert reply.status == 400
    assert "no price" in reply.error["message"]


def test_tokens_a_minute_count_what_was_embedded(tmp_path: Path) -> None:
    upstream = Upstream(answer=small(90))
    with keyed_before(upstream, tmp_path, key(1, "a", tokens_per_minute=100.0)) as made:
        first = made.send("a", "POST", PATH, ASK)
        second = made.send("a", "POST", PATH, ASK)
    assert (first.status, second.status) == (200, 429)
    assert second.error["code"] == "rate_limit_exceeded"


def test_tables_of_the_settings_become_models_with_prices(tmp_path: Path) -> None:
    path = tmp_path / "metallm.toml"
    path.write_text('[[embeddings]]\nname = "openai/text-embedding-3-small"\n', encoding="utf-8")
    (table,) = load_settings(path).embeddings
    assert table.arm().wire == OPENAI
    assert table.arm().upstream_model == "text-embedding-3-small"
    ring = Keyring(KeyFile(tmp_path / "keys.db"))
    made = Rules.of(load_settings(path), ring, Bounds(1), local=True)
    (model,) = made.embeddings
    assert model.list_price is not None  # the price table's, which knows no output of it
    assert model.list_price.output == 0.0
    assert made.poster is not None
    given = EmbeddingSettings(name="x/y", base_url="http://127.0.0.1:9", input_price=0.5)
    price = given.arm().list_price
    assert price is not None
    assert (price.input, price.output) == (0.5, 0.0)
