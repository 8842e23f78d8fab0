"""A server that speaks OpenAI's chat completions, and says what a test has it say."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

Answer: TypeAlias = Callable[[BaseHTTPRequestHandler], None]
KEY = "sk-of-tests"


def saying(content: Any) -> Answer:
    """Answer with what a model said, as the protocol has it."""
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
    document = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "choices": [choice], "usage": usage}
    return sending(json.dumps(document).encode())


def sending(body: bytes, status: int = 200, **headers: str) -> Answer:
    """Answer with these bytes."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


class Chat:
    """The server. `asked` holds the bodies of the requests, `keys` what they were authorised by."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.over = threading.Event()
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                chat.keys.append(self.headers["Authorization"])
                chat.asked.append(body)
                try:
                    chat.answer_to(self, body)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    def answer_to(self, request: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        """Refuse what is no request of the protocol, as a real server does."""
        known = request.path == "/v1/chat/completions"
        whole = isinstance(body.get("model"), str) and all({"role", "content"} == set(one) for one in body["messages"])
        if not known or not whole or body.get("stream") or request.headers["Content-Type"] != "application/json":
            sending(b'{"error": {"message": "no"}}', 400 if known else 404)(request)
        else:
            self.answer(request)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    def never(self, _: BaseHTTPRequestHandler) -> None:
        """Answer nothing until the test is over."""
        self.over.wait(20)

    def dribble(self, start: bytes) -> Answer:
        """Answer with `start`, and then with a byte every now and then until the test is over."""

        def answer(request: BaseHTTPRequestHandler) -> None:
            request.wfile.write(start)
            while not self.over.wait(0.02):
                request.wfile.write(b" ")

        return answer


@contextmanager
def chatting(answer: Answer) -> Iterator[Chat]:
    """Run a server until the block ends."""
    chat = Chat(answer)
    thread = threading.Thread(target=chat.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield chat
    finally:
        chat.over.set()
        chat.server.shutdown()
        chat.server.server_close()
        thread.join()
