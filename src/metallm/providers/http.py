"""The one HTTP client: raw bytes to an API and back, in the wire that the arm speaks."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from metallm.core.completion import ChatRequest, Completion
from metallm.core.wires import BEDROCK
from metallm.errors import (
    ProviderError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    StreamCutError,
)
from metallm.providers.aws import AwsSigner
from metallm.providers.capabilities import obstacles
from metallm.providers.failures import failure
from metallm.providers.passed import PASSED
from metallm.providers.registry import api_key, endpoint, wire_of
from metallm.providers.retry import AttemptError, Retry
from metallm.providers.sessions import Sessions
from metallm.wire.base import CountingWire, Outgoing

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

    from metallm.core.arm import Arm
    from metallm.core.completion import StreamEvent
    from metallm.wire.base import StreamReader, Wire

    Signer = Callable[[Arm, Outgoing], Mapping[str, str]]
    """Gives the headers to send with a request, from the whole of it.

    Called for each attempt, in a thread, for it may have to wait for credentials.
    """

DRAIN_S = 0.25
"""Seconds to wait for the end of the bytes after a stream's last event, to keep the connection."""


@dataclass(frozen=True, slots=True)
class _Call:
    """What is sent in each attempt."""

    arm: Arm
    wire: Wire
    request: ChatRequest
    sent: Outgoing
    key: str | None
    sign: Signer | None


@dataclass(frozen=True, slots=True)
class _Opened:
    """A stream after its first events."""

    response: aiohttp.ClientResponse
    reader: StreamReader
    events: list[StreamEvent]


class HttpProvider:
    """Calls arms over HTTP; one pool of connections for each event loop.

    Args:
        timeout_s: seconds for a whole answer or stream, of one attempt.
        first_token_timeout_s: seconds to the first event of a stream.
        connect_timeout_s: seconds to connect, name look-up and TLS included.
        max_retries: attempts after the first. Failures to connect, 408, 409, 429 and 5xx are
            tried again; an answer that did not come in time is not, for the caller has waited.
        environ: where keys are looked up, at every call; None means this process's environment.
        signers: by wire's name, who signs whole requests in place of sending a key; None means
            AWS's for Bedrock.
        sleep: waits for some seconds between attempts.
        jitter: gives numbers in [0, 1).
        clock: seconds that only ever grow, for latencies.
        now: POSIX seconds, for a Retry-After that names a moment.
        failed: is told of every attempt that fails; None for nobody.
    """

    def __init__(
        self,
        *,
        timeout_s: float = 120.0,
        first_token_timeout_s: float = 60.0,
        connect_timeout_s: float = 10.0,
        max_retries: int = 2,
        environ: Mapping[str, str] | None = None,
        signers: Mapping[str, Signer] | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.perf_counter,
        now: Callable[[], float] = time.time,
        failed: Callable[[ProviderError], None] | None = None,
    ) -> None:
        self._timeout_s = timeout_s
        self._first_token_timeout_s = first_token_timeout_s
        self._retry = Retry(sleep, jitter, max_retries, failed=failed)
        self._environ = environ
        self._signers = {BEDROCK: AwsSigner(environ)} if signers is None else signers
        self._clock = clock
        self._now = now
        self._sessions = Sessions(aiohttp.ClientTimeout(total=timeout_s, connect=connect_timeout_s))

    def obstacles(
        self, arms: Sequence[Arm], request: ChatRequest, *, stream: bool, input_tokens: int
    ) -> Mapping[str, str]:
        """See `capabilities.obstacles`."""
        return obstacles(arms, request, stream=stream, input_tokens=input_tokens)

    async def complete(self, arm: Arm, request: ChatRequest) -> Completion:
        """One whole answer.

        Raises:
            ConfigurationError: the arm has no host.
            InputError: the request cannot be written as JSON.
            ProviderError: whatever went wrong, after the retries that make sense.
        """
        call = self._asking(arm, request, stream=False)
        start = self._clock()
        raw = await self._retry.run(lambda: self._fetch(call))
        latency_s = self._clock() - start
        answer, told = call.wire.read_answer(arm, raw, request, now=self._now())
        spoken = request.answered_in(call.wire.name)
        answered = (arm.name, answer.text, answer.usage, latency_s, told, spoken)
        return Completion(*answered, answer.tokens)

    async def count_tokens(self, arm: Arm, request: ChatRequest) -> int | None:
        """The request's tokens by the host's own count; None where its wire has none.

        Raises:
            ConfigurationError, InputError, ProviderError: as `complete`.
        """
        wire = wire_of(arm)
        if not isinstance(wire, CountingWire):
            return None
        call = self._call(arm, request, wire.count_path(arm), wire.write_count(arm, request))
        return wire.read_count(arm, await self._retry.run(lambda: self._fetch(call)))

    async def post(self, arm: Arm, path: str, body: bytes) -> bytes:
        """The answer to a body that goes as it is, such as one for embeddings.

        Args:
            arm: whose host is asked.
            path: below the arm's base URL.
            body: JSON.

        Raises:
            ConfigurationError, ProviderError: as `complete`.
        """
        call = self._call(arm, ChatRequest({}), path, body)
        return await self._retry.run(lambda: self._fetch(call))

    async def stream(self, arm: Arm, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        """The events of one streamed answer.

        Closing the generator closes the connection, so that the provider stops.

        Raises:
            ConfigurationError: the arm has no host.
            InputError: the request cannot be written as JSON.
            ProviderError: before the first event, after the retries that make sense.
            StreamCutError: after it: the stream broke, held an error, or ended too early. A
                connection that is lost after the answer was complete is no error.
        """
        call = self._asking(arm, request, stream=True)
        opened = await self._retry.run(lambda: self._open(call))
        try:
            for event in opened.events:
                yield event
            while not opened.reader.done:
                events, ended = await self._next(arm.name, opened)
                for event in events:
                    yield event
                if ended:
                    return
            await _drain(opened.response)
        finally:
            opened.response.close()

    async def close(self) -> None:
        """Let go of connections. Later calls open new ones."""
        await self._sessions.close()

    def _asking(self, arm: Arm, request: ChatRequest, *, stream: bool) -> _Call:
        wire = wire_of(arm)
        path = wire.path(arm, stream=stream)
        return self._call(arm, request, path, wire.write_request(arm, request, stream=stream))

    def _call(self, arm: Arm, request: ChatRequest, path: str, body: bytes) -> _Call:
        place, wire = endpoint(arm, self._environ), wire_of(arm)
        sign = self._signers.get(wire.name)
        key = api_key(arm, place, self._environ) if sign is None else None
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "metallm",
            **PASSED.get(),
            **wire.headers(key, request),
        }
        sent = Outgoing("POST", place.base_url + path, headers, body)
        return _Call(arm, wire, request, sent, key, sign)

    async def _fetch(self, call: _Call) -> bytes:
        """One attempt at a whole answer."""
        try:
            response = await self._send(call)
            async with response:
                return await response.read()
        except TimeoutError as error:
            raise _late(call.arm.name, self._timeout_s, error) from error
        except (aiohttp.ClientError, OSError) as error:
            raise _broken(call.arm.name, error) from error

    async def _open(self, call: _Call) -> _Opened:
        """One attempt at a stream, up to its first events."""
        response: aiohttp.ClientResponse | None = None
        reader = call.wire.reader(call.arm, call.request, now=self._now())
        try:
            async with asyncio.timeout(self._first_token_timeout_s):
                response = await self._send(call)
                events: list[StreamEvent] = []
                while not events:
                    chunk = await response.content.readany()
                    events = reader.feed(chunk) if chunk else reader.finish()
                    if not chunk or reader.done:
                        break
            if not events:
                raise StreamCutError(call.arm.name, "the stream holds no answer")
        except BaseException as error:
            if response is not None:
                response.close()
            if isinstance(error, TimeoutError):
                seconds = min(self._first_token_timeout_s, self._timeout_s)
                raise _late(call.arm.name, seconds, error) from error
            if isinstance(error, StreamCutError):  # nothing was passed on: it can be done again
                raise _unavailable(error) from error
            if isinstance(error, aiohttp.ClientError | OSError):
                raise _broken(call.arm.name, error) from error
            raise
        return _Opened(response, reader, events)

    async def _send(self, call: _Call) -> aiohttp.ClientResponse:
        """Send and read the status. The response is the caller's to close."""
        session = self._sessions.get()
        sent = call.sent
        url: str | URL = sent.url
        headers = sent.headers
        if call.sign is not None:
            headers = await asyncio.to_thread(call.sign, call.arm, sent)
            url = URL(sent.url, encoded=True)  # to the letter as it was signed
        response = await session.post(url, data=sent.body, headers=headers, allow_redirects=False)
        if response.status == 200:
            return response
        async with response:
            body = await response.read()
        raise failure(
            call.arm.name,
            response.status,
            response.headers,
            body,
            wire=call.wire,
            answered_in=call.request.answered_in(call.wire.name),
            key=call.key,
            now=self._now(),
        )

    async def _next(self, arm: str, opened: _Opened) -> tuple[list[StreamEvent], bool]:
        """The next events, and whether the stream has ended with them."""
        try:
            chunk = await opened.response.content.readany()
        except TimeoutError as error:
            raise StreamCutError(
                arm, f"the answer was not complete after {self._timeout_s:g} s"
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            if opened.reader.whole:
                return [], True
            raise StreamCutError(
                arm, f"the connection broke within the answer ({type(error).__name__})"
            ) from error
        if chunk:
            return opened.reader.feed(chunk), False
        return opened.reader.finish(), True


def _late(arm: str, seconds: float, error: TimeoutError) -> AttemptError:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        late = ProviderTimeoutError(arm, "no connection in time: check base_url")
        return AttemptError(late, again=True)
    return AttemptError(ProviderTimeoutError(arm, f"no answer within {seconds:g} s"), again=False)


def _broken(arm: str, error: Exception) -> AttemptError:
    """A connection that could not be made or was lost; the cause tells more."""
    told = f"the provider cannot be reached or broke off ({type(error).__name__})"
    return AttemptError(ProviderUnavailableError(arm, told), again=True)


def _unavailable(cut: StreamCutError) -> AttemptError:
    """A stream that broke before anything was passed on."""
    told = str(cut).removeprefix(f"arm {cut.arm!r}: ")
    error: ProviderError = ProviderUnavailableError(cut.arm, told, status=cut.status)
    return AttemptError(error, again=True)


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Read to the end of the bytes, so that the connection can be used again.

    The answer is complete: whatever goes wrong here only costs the connection.
    """
    try:
        async with asyncio.timeout(DRAIN_S):
            while await response.content.readany():
                pass
    except (TimeoutError, aiohttp.ClientError, OSError):
        return
