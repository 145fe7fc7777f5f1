"""Settings: from variables and a file, refused with names and reasons, documented."""

import base64
from pathlib import Path

import pytest

from telehealth.config import BadSettings, Settings, load_settings, settings_markdown

ROOT = Path(__file__).parents[1]
KEY = base64.b64encode(b"k" * 32).decode()
ENOUGH = {"TELEHEALTH_SECRET_KEY": KEY}


def refused(environ: dict[str, str], toml: Path | None = None) -> dict[str, str]:
    with pytest.raises(BadSettings) as caught:
        load_settings(environ, toml)
    return caught.value.problems


def test_a_key_is_enough() -> None:
    settings = load_settings({**ENOUGH, "HOME": "/", "OTHER": "x"})
    assert settings.base_url == "http://127.0.0.1:8080"
    assert settings.database == "sqlite:///data/telehealth.sqlite3"


def test_a_variable_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    file = tmp_path / "telehealth.toml"
    file.write_text('http_port = 1\nhttp_host = "127.0.0.2"\ntrusted_proxies = ["10.0.0.0/8"]\n')
    settings = load_settings({**ENOUGH, "TELEHEALTH_CONFIG": str(file), "TELEHEALTH_HTTP_PORT": "2"})
    assert (settings.http_port, settings.http_host, settings.media_port) == (2, "127.0.0.2", 40000)
    assert settings.trusted_proxies == ("10.0.0.0/8",)


def test_every_fault_is_named_with_its_reason() -> None:
    problems = refused(
        {
            "TELEHEALTH_HTTP_PORT": "x",
            "TELEHEALTH_NOPE": "1",
            "TELEHEALTH_TRUSTED_PROXIES": "10.0.0.0/8, here",
            "TELEHEALTH_PUBLIC_URL": "ftp://a",
            "TELEHEALTH_MEDIA_ADDRESSES": "localhost",
        }
    )
    assert set(problems) == {
        "TELEHEALTH_HTTP_PORT",
        "TELEHEALTH_NOPE",
        "TELEHEALTH_TRUSTED_PROXIES",
        "TELEHEALTH_PUBLIC_URL",
        "TELEHEALTH_MEDIA_ADDRESSES",
    }
    assert problems["TELEHEALTH_NOPE"] == "there is no such setting"


@pytest.mark.parametrize("key", ["hunter2", base64.b64encode(b"short").decode(), base64.b64encode(b"k" * 64).decode()])
def test_a_key_that_is_too_short_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(BadSettings) as caught:
        load_settings({"TELEHEALTH_SECRET_KEY": key, "TELEHEALTH_TURN_SECRET": "planted", "TELEHEALTH_NOPE": "planted"})
    assert key not in caught.value.text
    assert "planted" not in caught.value.text


@pytest.mark.parametrize(
    ("environ", "word"),
    [
        ({}, "secret_key"),
        ({**ENOUGH, "TELEHEALTH_TLS_KEY": "key.pem"}, "belong together"),
        ({**ENOUGH, "TELEHEALTH_TURN_URL": "turn:x"}, "turn_secret"),
        (
            {
                **ENOUGH,
                "TELEHEALTH_TLS_KEY": "k",
                "TELEHEALTH_TLS_CERTIFICATE": "c",
                "TELEHEALTH_TLS_SELF_SIGNED": "1",
            },
            "choose",
        ),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(environ: dict[str, str], word: str) -> None:
    assert word in str(refused(environ))


def test_a_file_that_is_not_there_or_not_toml_is_named(tmp_path: Path) -> None:
    assert "can't read" in refused(ENOUGH, tmp_path / "none.toml")["TELEHEALTH_CONFIG"]
    bad = tmp_path / "bad.toml"
    bad.write_text("http_port")
    assert "is not TOML" in refused(ENOUGH, bad)["TELEHEALTH_CONFIG"]


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert load_settings({**ENOUGH, "TELEHEALTH_TLS_KEY": "", "TELEHEALTH_TURN_URL": ""}).tls_key is None


def test_secrets_do_not_show() -> None:
    settings = load_settings({**ENOUGH, "TELEHEALTH_DATABASE_URL": "postgresql://u:planted@h/d"})
    assert KEY not in repr(settings)
    assert "planted" not in repr(settings)


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"TELEHEALTH_HTTP_HOST": "::1"}, "http://[::1]:8080"),
        ({"TELEHEALTH_TLS_SELF_SIGNED": "true"}, "https://127.0.0.1:8080"),
        ({"TELEHEALTH_PUBLIC_URL": "https://visits.example.org/"}, "https://visits.example.org"),
    ],
)
def test_the_address_to_hand_out(environ: dict[str, str], url: str) -> None:
    assert load_settings({**ENOUGH, **environ}).base_url == url


def test_the_documentation_is_the_declaration() -> None:
    assert (ROOT / "docs/configuration.md").read_text() == settings_markdown()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_says_what_it_means(name: str) -> None:
    assert f"`TELEHEALTH_{name.upper()}`" in settings_markdown()
    assert Settings.model_fields[name].description
