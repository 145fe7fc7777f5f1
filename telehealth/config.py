"""Settings: each is declared once here, with what it means; docs/configuration.md is written from this file."""

import base64
import binascii
import ipaddress
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo

from telehealth.errors import Invalid

PREFIX = "TELEHEALTH_"
CONFIG_VARIABLE = "TELEHEALTH_CONFIG"


class BadSettings(Invalid):
    """The settings cannot be used; the text names each one and the reason, never the value of a secret."""

    code = "bad_settings"

    def __init__(self, problems: Mapping[str, str]) -> None:
        lines = [f"  {name}: {reason}" for name, reason in sorted(problems.items())]
        super().__init__("The settings can't be used:\n" + "\n".join(lines))
        self.problems = dict(problems)


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a line of the log looks."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"


class AckChoice(StrEnum):
    """How messages of HL7 v2 are acknowledged."""

    AUTO = "auto"
    ORIGINAL = "original"
    ENHANCED = "enhanced"


def _listed(value: object) -> object:
    """Let a list be written with commas, as environment variables must."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(value) if isinstance(value, list) else value


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError("must be an IP address") from None


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        raise ValueError("must be an IP address or a network such as 10.0.0.0/8") from None


def _origin(value: str) -> str:
    if not value:
        return value
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError("must be like https://visits.example.org, without a path")
    return f"{parts.scheme}://{parts.netloc}"


def _broker(value: str) -> str:
    if not value:
        return value
    parts = urlsplit(value)
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or parts.path.strip("/") or parts.username:
        raise ValueError("must be like mqtts://broker.example.org:8883, without a name or password")
    return value


def _key(value: SecretStr) -> SecretStr:
    if value.get_secret_value():
        key_bytes(value)
    return value


def key_bytes(value: SecretStr) -> bytes:
    """Return the 32 bytes of a key; ValueError if it has another length or is not base64."""
    try:
        key = base64.b64decode(value.get_secret_value(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("must be 32 random bytes in base64") from None
    if len(key) != 32:
        raise ValueError("must be 32 random bytes in base64")
    return key


Addresses = Annotated[tuple[Annotated[str, AfterValidator(_address)], ...], BeforeValidator(_listed)]
Networks = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], BeforeValidator(_listed)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Key = Annotated[SecretStr, AfterValidator(_key)]
Keys = Annotated[tuple[Key, ...], BeforeValidator(_listed)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseModel):
    """All settings of a server."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    http_host: str = Field("127.0.0.1", description="Address the HTTP server listens on.")
    http_port: Port = Field(8080, description="Port of the HTTP server; 0 takes a free one.")
    public_url: Annotated[str, AfterValidator(_origin)] = Field(
        "",
        description="What people type to get here, such as `https://visits.example.org`. Only pages from there may use "
        "cookies and sockets. Empty: whatever address the browser used.",
    )
    data_dir: Path = Field(Path("data"), description="Directory of the database and of what else is kept in files.")
    database_url: SecretStr = Field(
        SecretStr(""),
        description="`sqlite:///…` or `postgresql://…`. Empty: `telehealth.sqlite3` in `data_dir`.",
    )
    redis_url: SecretStr = Field(
        SecretStr(""), description="Redis or Valkey that connects several nodes. Empty: this node is alone."
    )
    node: str = Field(
        "node-1",
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
        description="Name of this node, its own in a cluster; it stands in the audit trail.",
    )
    secret_key: Key = Field(
        SecretStr(""),
        description="Master key: 32 random bytes in base64. Everything stored is encrypted and sealed under keys "
        "derived from it. Required; the demo makes its own.",
    )
    previous_secret_keys: Keys = Field(
        (), description="Earlier values of `secret_key`, newest first, separated by commas; they only read."
    )
    audit_anchor: Path | None = Field(
        None,
        description="File, best on another disk, to which the head of the audit trail is copied, so that a removal at "
        "its end is found.",
    )
    media_host: Annotated[str, AfterValidator(_address)] = Field(
        "127.0.0.1", description="Address the media port listens on."
    )
    media_port: Port = Field(40000, description="Port of all audio and video, UDP and TCP; 0 takes a free one.")
    media_addresses: Addresses = Field(
        (),
        description="Addresses at which browsers reach the media port, separated by commas. Empty: `media_host`.",
    )
    turn_url: Texts = Field(
        (), description="TURN servers for people behind strict firewalls (`turn:turn.example.org:3478`), by commas."
    )
    turn_secret: SecretStr = Field(
        SecretStr(""), description="Secret shared with the TURN servers, for credentials that last 10 minutes."
    )
    tls_certificate: Path | None = Field(None, description="Certificate chain (PEM). With `tls_key`, we speak HTTPS.")
    tls_key: Path | None = Field(None, description="Private key of the certificate (PEM).")
    tls_self_signed: bool = Field(
        default=False,
        description="Speak HTTPS with a certificate of our own making, to try a phone in the same network.",
    )
    mllp_port: Port = Field(0, description="Port on which HL7 v2 is taken over MLLP (2575 is usual); 0: it is not.")
    mllp_host: Annotated[str, AfterValidator(_address)] = Field(
        "127.0.0.1", description="Address the MLLP server listens on: MLLP has no sign-in, so best that of a VPN."
    )
    mllp_tls_certificate: Path | None = Field(
        None, description="Certificate chain (PEM) for MLLP over TLS, with `mllp_tls_key`."
    )
    mllp_tls_key: Path | None = Field(None, description="Private key of that certificate (PEM).")
    mllp_client_ca: Path | None = Field(
        None, description="Authorities (PEM) whose certificates senders must show. Empty: senders need none."
    )
    mllp_unencrypted: bool = Field(
        default=False, description="Take MLLP without TLS on an address that is not loopback. Only inside a VPN."
    )
    mllp_allow: Networks = Field((), description="Networks that may connect to MLLP, by commas. Empty: all.")
    mllp_ack_style: AckChoice = Field(
        AckChoice.AUTO,
        description="How senders of HL7 v2 are answered: `original` (AA), `enhanced` (CA, AA if asked), or `auto`: by "
        "MSH-15 and MSH-16.",
    )
    mllp_accept_x: bool = Field(
        default=True,
        description="Take values of rows that say `no result` (OBX-11 X), as unconfirmed; else refuse them.",
    )
    mllp_debug_is_test: bool = Field(
        default=True, description="Take MSH-11 `D` for test data, as `T` is; off where a site sends it in earnest."
    )
    trusted_proxies: Networks = Field(
        (),
        description="Networks of reverse proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed. Empty: "
        "nobody's.",
    )
    demo: bool = Field(
        default=False, description="Serve an invented clinic with links that sign in whoever opens them."
    )
    mqtt_url: Annotated[str, AfterValidator(_broker)] = Field(
        "",
        description="Broker on which devices publish: `mqtt://host:1883`, or `mqtts://host:8883` with TLS. Needs the "
        "extra `mqtt`. Empty: none.",
    )
    mqtt_version: int = Field(5, ge=3, le=5, description="Version of MQTT: 5, or 3 for 3.1.1.")
    mqtt_username: str = Field("", description="Our name at the broker.")
    mqtt_password: SecretStr = Field(SecretStr(""), description="Our password at the broker.")
    mqtt_ca: Path | None = Field(
        None, description="Certificates (PEM) that vouch for the broker. Empty: those of the system."
    )
    mqtt_plain: bool = Field(
        default=False, description="Reach a broker on another machine without TLS. Only over a network of your own."
    )
    mqtt_tenant: str = Field(
        "clinic",
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="Our level of the topics `t/{tenant}/d/{device}/numerics` and `…/waves`.",
    )
    mqtt_rules: Path | None = Field(
        None, description="TOML file with the topics of devices that publish in their own way; see docs/devices.md."
    )
    log_level: LogLevel = Field(LogLevel.INFO, description="How much is logged.")
    log_format: LogFormat = Field(
        LogFormat.AUTO, description="`json`, `text`, or `auto`: text for a terminal, JSON for everything else."
    )
    retention_waves_days: int = Field(
        0, ge=0, le=36_500, description="Days for which waveforms are kept after they were measured; 0: for good."
    )
    retention_numerics_days: int = Field(
        0, ge=0, le=36_500, description="Days for which numerics are kept after they were measured; 0: for good."
    )
    retention_recordings_days: int = Field(
        0, ge=0, le=36_500, description="Days for which recordings of visits are kept after they began; 0: for good."
    )
    alarm_again_minutes: int = Field(
        5, ge=0, le=10, description="After how long a high alarm that was seen and goes on is told again; 0: never."
    )
    pews_table: Path | None = Field(
        None, description="JSON file with the paediatric score of this site; see docs/operations.md. Without: none."
    )
    rooms_limit: int = Field(100, ge=1, le=10_000, description="Rooms that may be live on this node at once.")
    room_seats: int = Field(6, ge=2, le=6, description="Seats in a room.")
    sockets_limit: int = Field(2_000, ge=10, le=100_000, description="Sockets that may be open on this node at once.")
    logins_per_minute: int = Field(
        10, ge=1, le=10_000, description="Attempts to log in per account and address in a minute."
    )

    @model_validator(mode="after")
    def _whole(self) -> "Settings":
        """Check what concerns more than one setting."""
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together")
        if self.tls_certificate is not None and self.tls_self_signed:
            raise ValueError("choose between tls_certificate and tls_self_signed")
        self._check_mllp()
        if self.turn_url and not self.turn_secret.get_secret_value():
            raise ValueError("turn_url needs turn_secret")
        self._check_mqtt()
        if not self.secret_key.get_secret_value():
            raise ValueError("secret_key is required: make one with `openssl rand -base64 32`")
        return self

    def _check_mqtt(self) -> None:
        parts = urlsplit(self.mqtt_url)
        near = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if parts.scheme == "mqtt" and not near and not self.mqtt_plain:
            raise ValueError("mqtt_url must be mqtts:// unless the broker is on this machine, or mqtt_plain is set")
        if self.mqtt_version == 4:
            raise ValueError("mqtt_version is 5, or 3 for 3.1.1")

    def _check_mllp(self) -> None:
        if (self.mllp_tls_certificate is None) != (self.mllp_tls_key is None):
            raise ValueError("mllp_tls_certificate and mllp_tls_key belong together")
        if self.mllp_client_ca is not None and self.mllp_tls_certificate is None:
            raise ValueError("mllp_client_ca needs mllp_tls_certificate")
        plain = self.mllp_port != 0 and self.mllp_tls_certificate is None and not self.mllp_unencrypted
        if plain and not ipaddress.ip_address(self.mllp_host).is_loopback:
            raise ValueError("mllp_host is no loopback address: set mllp_tls_certificate, or mllp_unencrypted")

    @property
    def tls(self) -> bool:
        """Whether we speak HTTPS ourselves."""
        return self.tls_certificate is not None or self.tls_self_signed

    @property
    def mllp_listens(self) -> bool:
        """Whether HL7 v2 is taken over MLLP."""
        return self.mllp_port != 0

    @property
    def base_url(self) -> str:
        """The address to print and to hand out, without a slash at its end."""
        if self.public_url:
            return self.public_url
        host = f"[{self.http_host}]" if ":" in self.http_host else self.http_host
        return f"{'https' if self.tls else 'http'}://{host}:{self.http_port}"

    @property
    def database(self) -> str:
        """The URL of the database, never to be logged."""
        return self.database_url.get_secret_value() or f"sqlite:///{self.data_dir / 'telehealth.sqlite3'}"

    @property
    def advertised(self) -> tuple[str, ...]:
        """The addresses browsers are told for media."""
        return self.media_addresses or (self.media_host,)


def load_settings(environ: Mapping[str, str], toml: Path | None = None) -> Settings:
    """Read the settings: variables `TELEHEALTH_…` first, then the TOML file, then the defaults.

    Args:
        environ: The variables; those without our prefix are ignored.
        toml: The file; None takes the one that TELEHEALTH_CONFIG names, if any.

    Raises:
        BadSettings: A name is unknown or a value is bad; all of them are named.
    """
    path = toml or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    values: dict[str, Any] = _read_toml(path) if path else {}
    spelled = {name: name for name in values}
    for variable, value in environ.items():
        # An empty variable is one that is not set: compose files can't leave them out.
        if variable.startswith(PREFIX) and variable != CONFIG_VARIABLE and value:
            name = variable.removeprefix(PREFIX).lower()
            values[name], spelled[name] = value, variable
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise BadSettings(_problems(error, spelled)) from None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadSettings({CONFIG_VARIABLE: f"can't read {path}: {error.strerror}"}) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings({CONFIG_VARIABLE: f"{path} is not TOML: {error}"}) from None


def _problems(error: ValidationError, spelled: Mapping[str, str]) -> dict[str, str]:
    problems = {}
    for detail in error.errors(include_input=False, include_url=False, include_context=False):
        name = str(detail["loc"][0]) if detail["loc"] else ""
        unknown = detail["type"] == "extra_forbidden"
        reason = "there is no such setting" if unknown else detail["msg"].removeprefix("Value error, ")
        problems[spelled.get(name, name) or "settings"] = reason
    return problems


def settings_markdown() -> str:
    """Return docs/configuration.md."""
    rows = [_row(name, field) for name, field in Settings.model_fields.items()]
    return _HEAD + "\n".join(rows) + "\n"


def _row(name: str, field: FieldInfo) -> str:
    secret = field.annotation is SecretStr or SecretStr in get_args(field.annotation) or "secret" in name
    default = "" if secret else field.default
    shown = default.value if isinstance(default, StrEnum) else default
    text = "" if shown in ("", None, ()) else f"`{str(shown).lower() if isinstance(shown, bool) else shown}`"
    note = " Secret." if secret else ""
    return f"| `{name}` | `{PREFIX}{name.upper()}` | {text} | {field.description}{note} |"


_HEAD = f"""# Configuration

Written by `telehealth config-doc` from `telehealth/config.py`; a test keeps it so.

Settings are environment variables, or lines of a TOML file that `{CONFIG_VARIABLE}` names (`http_port = 8080`); a
variable wins over the file. An unknown name or a bad value is refused at the start, with its name and the reason;
`telehealth check-config` only checks.

| setting | variable | default | meaning |
|---|---|---|---|
"""
