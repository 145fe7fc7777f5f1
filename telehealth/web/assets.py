"""Where templates and static files are, and the address under which a browser may keep the latter for ever."""

import gettext
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

_PACKAGE = Path(__file__).resolve().parent.parent


def _find(name: str) -> Path:
    """Return the directory inside the package (a wheel), or else beside it (a checkout)."""
    for parent in (_PACKAGE, _PACKAGE.parent):
        if (parent / name).is_dir():
            return parent / name
    raise FileNotFoundError(f"{name}/ is neither inside the package nor beside it")


def _digest(directory: Path) -> str:
    """Return a short hash of all files with their names: the same files have the same address on each node."""
    digest = hashlib.sha256()
    for path in sorted(each for each in directory.rglob("*") if each.is_file()):
        digest.update(path.relative_to(directory).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


class Assets:
    """Static files under `/static/<build>/…`, and the templates that refer to them.

    The build is part of the path, not of a query: the relative imports of a module inherit it.
    """

    def __init__(self, static: Path | None = None, templates: Path | None = None) -> None:
        self.directory = static or _find("static")
        self.build = _digest(self.directory)
        self.prefix = f"/static/{self.build}"
        self._environment = Environment(
            loader=FileSystemLoader(templates or _find("templates")),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.install_gettext_translations(  # type: ignore[attr-defined]
            gettext.NullTranslations(), newstyle=True
        )
        self._environment.policies["json.dumps_kwargs"] = {"sort_keys": False, "ensure_ascii": True}
        self._environment.policies["json.dumps_function"] = json.dumps
        self._environment.globals["asset"] = self.url

    def url(self, path: str) -> str:
        """Return the address of a static file."""
        return f"{self.prefix}/{path}"

    def render(self, template: str, context: Mapping[str, Any]) -> str:
        """Return the template filled in."""
        return self._environment.get_template(template).render(context)
