"""A person labels texts on the page, in a real browser."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from browser import chromium
from gateway.gates import gate

pytestmark = pytest.mark.skipif(chromium.found() is None, reason="there is no Chromium here")

LABELS = ["bad", "good"]
HOSTILE = "<img src=x onerror=\"document.title='owned'\"> & <script>document.title='owned'</script>"


def test_texts_are_shown_as_they_are_and_keys_tell_their_labels(tmp_path: Path) -> None:
    texts = [HOSTILE, "the second text", "the third text"]

    async def work(url: str) -> None:
        async with chromium.page(f"{url}/label", tmp_path / "profile") as page:
            await page.until("document.querySelectorAll('#labels button').length === 2")
            seen = []
            for number in range(3):
                assert await page.value("document.getElementById('place').textContent") == (
                    f"{number + 1} of 3"
                )
                seen.append(await page.value("document.getElementById('text').textContent"))
                await page.press("2")
                await page.until(
                    "document.getElementById('told').textContent === 'good is learned' && "
                    f"document.getElementById('place').textContent !== '{number + 1} of 3'"
                )
            assert sorted(seen) == sorted(texts)
            assert await page.value("document.title") == "Label · MetaLLM"
            # the last one was wrong: back, and another label takes its place
            await page.press("b")
            await page.until("document.querySelector('button[aria-pressed=true]') !== null")
            await page.press("1")
            await page.until("document.getElementById('told').textContent === 'bad is learned'")

    with gate({"sim/cheap": "good", "sim/dear": "bad"}, log_prompts=True) as made:
        told = made.send("POST", "/v1/classify", {"texts": texts, "labels": LABELS, "task": "t"})
        asyncio.run(work(made.url))
        labels = []
        for each in told.json["results"]:
            outcomes = made.router.outcomes(each["decision_id"])
            labels.append([outcome.label for outcome in outcomes if outcome.kind == "feedback"])
        assert sorted(labels) == [["good"], ["good"], ["good", "bad"]]
        assert made.send("GET", "/v1/queue").json["data"] == []


def test_an_empty_queue_says_so(tmp_path: Path) -> None:
    async def work(url: str) -> str:
        async with chromium.page(f"{url}/label", tmp_path / "profile") as page:
            await page.until("document.getElementById('text').textContent !== ''")
            return str(await page.value("document.getElementById('text').textContent"))

    with gate() as made:
        assert asyncio.run(work(made.url)) == "Nothing waits for a label."
