"""The message reader: whole lines only, and all of them."""

import json
import time
from pathlib import Path
from typing import Any

from compsim_assets.launch.messages import WholeLineMessageReader


class Handler:
    """Keeps what Dagster's handler would act on."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.errors: list[Any] = []

    def handle_message(self, message: Any) -> None:
        self.messages.append(message)

    def report_pipes_framework_exception(self, origin: str, exc_info: Any) -> None:
        self.errors.append(exc_info)


def test_a_message_is_read_once_its_line_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "messages"
    handler = Handler()
    line = json.dumps({"text": "long " * 5000}) + "\n"
    with WholeLineMessageReader(path).read_messages(handler), path.open("a") as stream:
        for part in (line[:8000], line[8000:]):
            assert handler.messages == []
            stream.write(part)
            stream.flush()
            time.sleep(0.3)  # several polls
        assert handler.messages == [json.loads(line)]
    assert handler.errors == []


def test_messages_written_last_are_read_and_an_unfinished_line_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "messages"
    handler = Handler()
    with WholeLineMessageReader(path).read_messages(handler):
        path.write_text('{"n": 1}\n{"n": 2}\n{"n": ')
    assert handler.messages == [{"n": 1}, {"n": 2}]
    assert handler.errors == []
