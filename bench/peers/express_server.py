"""Shopify's own library, installed by npm where there is npm, and started with Node 22."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from bench import requests
from bench.stage import LOGS, Process
from scripts.servers import free_port
from tests.servers import Database

HERE = Path(__file__).parent / "express"
HOME = LOGS / "express"
INSTALL_SECONDS = 300


def install() -> str:
    """Empty when it is there afterwards, else why not."""
    npm = shutil.which("npm")
    if npm is None:
        return "no npm on this machine"
    HOME.mkdir(parents=True, exist_ok=True)
    wanted = (HERE / "package.json").read_text()
    stamp = HOME / "installed.json"
    if not stamp.exists() or stamp.read_text() != wanted:
        (HOME / "package.json").write_text(wanted)
        try:
            done = subprocess.run(
                [npm, "install", "--no-audit", "--no-fund"],
                cwd=HOME, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return "npm install did not end"
        if done.returncode != 0:
            return f"npm install failed: {done.stderr.strip()[-200:]}"
        stamp.write_text(wanted)
    shutil.copy(HERE / "server.js", HOME / "server.js")
    return ""


def start(database: Database) -> Process:
    port = free_port()
    server = Process(
        "express",
        [str(HOME / "node_modules" / "node" / "bin" / "node"), str(HOME / "server.js")],
        {
            "PATH": os.environ.get("PATH", os.defpath),
            "NODE_ENV": "production",
            "PEER_DATABASE_URL": database.url,
            "PEER_SECRET": requests.SHOPIFY_SECRET,
            "PEER_PORT": str(port),
        },
        port=port,
    )
    server.wait_until("/")
    return server
