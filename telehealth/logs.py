"""Logging: one line per record, JSON or readable, with ids and without personal data."""

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

ACCESS = "telehealth.access_log"
"""Name of the logger that gets one line per request."""

_LONGEST = 4_000
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def one_line(text: str) -> str:
    """Return the text without what could start a new line or steer a terminal, at most 4,000 characters of it."""
    cut = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in cut)


def _instant(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _extras(record: logging.LogRecord) -> Mapping[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


class JsonFormatter(logging.Formatter):
    """A JSON object per record: time, level, logger, text, and the record's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _instant(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": one_line(record.getMessage()),
        }
        for name, value in _extras(record).items():
            line[name] = value if isinstance(value, int | float | bool) or value is None else one_line(str(value))
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)[-_LONGEST:]
        return json.dumps(line, ensure_ascii=True)


class TextFormatter(logging.Formatter):
    """A readable line per record; a trace follows on lines of its own, indented."""

    def format(self, record: logging.LogRecord) -> str:
        extras = " ".join(f"{name}={one_line(str(value))}" for name, value in _extras(record).items())
        line = (
            f"{_instant(record)[11:23]} {record.levelname.lower():<7} {one_line(record.getMessage())} {extras}".rstrip()
        )
        if record.exc_info:
            trace = self.formatException(record.exc_info)
            line += "".join(f"\n    {one_line(part)}" for part in trace.splitlines()[-60:])
        return line


class _Unreadable(logging.Filter):
    """Keeps out of the log what could not be read as HTTP: the library quotes the line, and it may hold a token."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if type(error).__module__ == "aiohttp.http_exceptions":
            record.msg, record.args = "a request can't be read: %s", (type(error).__name__,)
            record.exc_info = record.exc_text = None
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True


_UNREADABLE = _Unreadable()


def configure_logging(level: str, form: str, stream: TextIO = sys.stderr) -> None:
    """Send all records of at least `level` to the stream.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        form: `json`, `text`, or `auto`: text if the stream is a terminal.
        stream: Where the lines go.
    """
    readable = form == "text" or (form == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(TextFormatter() if readable else JsonFormatter())
    root = logging.getLogger()
    for old in tuple(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    # Once, however often this is called: a logger keeps no filter twice.
    logging.getLogger("aiohttp.server").addFilter(_UNREADABLE)
    for noisy in ("aiohttp.access", "aioice", "aiortc", "asyncio", "aiosqlite", "alembic", "sqlalchemy", "redis"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
