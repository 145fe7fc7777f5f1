"""Log lines: one per record, whatever is in it."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from aiohttp.http_exceptions import BadHttpMessage

from telehealth.logs import JsonFormatter, TextFormatter, configure_logging, one_line


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, put back as it was."""
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    yield logger
    logger.handlers[:], logger.level = handlers, level


def a_record(text: str, **extra: object) -> logging.LogRecord:
    record = logging.makeLogRecord({"name": "telehealth.web", "levelname": "INFO", "msg": text, "created": 0.0})
    record.__dict__.update(extra)
    return record


def test_a_json_line_has_its_time_level_logger_text_and_fields() -> None:
    line = json.loads(JsonFormatter().format(a_record("GET /", status=200, request="abc")))
    assert line == {
        "time": "1970-01-01T00:00:00.000+00:00",
        "level": "info",
        "logger": "telehealth.web",
        "text": "GET /",
        "status": 200,
        "request": "abc",
    }


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
@pytest.mark.parametrize("evil", ["a\r\nb", "a\x1b[31mb", "a\u2028b", "a\x00b", "a\x85b", "\ud800"])
def test_nothing_starts_a_new_line_or_steers_a_terminal(formatter: logging.Formatter, evil: str) -> None:
    line = formatter.format(a_record(evil, agent=evil))
    assert len(line.splitlines()) == 1
    assert line.isprintable()


def test_a_very_long_text_is_cut() -> None:
    assert len(one_line("x" * 1_000_000)) < 5_000


def test_a_trace_stays_within_the_record() -> None:
    try:
        raise ValueError("no")
    except ValueError as error:
        record = a_record("failed")
        record.exc_info = (type(error), error, error.__traceback__)
    assert len(JsonFormatter().format(record).splitlines()) == 1
    assert all(part.startswith("    ") for part in TextFormatter().format(record).splitlines()[1:])


@pytest.mark.parametrize(("form", "start"), [("json", "{"), ("text", "1"), ("auto", "{")])
def test_the_form_follows_the_setting_and_auto_follows_the_stream(root: logging.Logger, form: str, start: str) -> None:
    stream = io.StringIO()
    configure_logging("info", form, stream)
    configure_logging("info", form, stream)
    logging.getLogger("telehealth.x").info("hello")
    logging.getLogger("telehealth.x").debug("unheard")
    assert len(stream.getvalue().splitlines()) == 1
    assert stream.getvalue()[0] in {start, "0", "1", "2"} if form == "text" else stream.getvalue().startswith(start)


def test_a_request_that_cannot_be_read_leaves_no_secret_in_the_log(root: logging.Logger) -> None:
    stream = io.StringIO()
    configure_logging("debug", "json", stream)
    try:
        raise BadHttpMessage("Invalid header value char: b'Authorization: Bearer s3cret\\x00'")
    except BadHttpMessage as error:
        logging.getLogger("aiohttp.server").error("Error handling request from %s", "127.0.0.1", exc_info=error)
    line = json.loads(stream.getvalue())
    assert (line["level"], line["text"]) == ("info", "a request can't be read: BadHttpMessage")
    assert "s3cret" not in stream.getvalue()
