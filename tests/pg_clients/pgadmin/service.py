"""A pgAdmin 4 of its own, as the desktop program runs it: a folder that goes away, a free port."""

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import uuid
from pathlib import Path

import requests

HERE = Path(__file__).resolve().parent
PROGRAM = Path(sysconfig.get_paths()["purelib"]) / "pgadmin4" / "pgAdmin4.py"


class Service:
    """A running pgAdmin; `get`, `post`, `put` and `delete` are its pages' calls."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="pgadmin"))
        self.server = None
        self.http = requests.Session()
        self.http.trust_env = False

    def start(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.address, key = f"http://127.0.0.1:{port}", uuid.uuid4().hex
        environment = os.environ | {
            "CHECK_FOLDER": str(self.folder), "HOME": str(self.folder),
            "CONFIG_DISTRO_FILE_PATH": str(HERE / "pgadmin_config.py"),
            "PGADMIN_SERVER_MODE": "OFF", "PGADMIN_INT_PORT": str(port), "PGADMIN_INT_KEY": key,
        }
        for name in [name for name in environment if name.startswith("PG") and
                     not name.startswith("PGADMIN")]:
            del environment[name]
        with open(self.folder / "out.log", "w") as log:
            self.server = subprocess.Popen(
                [sys.executable, str(PROGRAM)], env=environment, cwd=self.folder, stdout=log,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        until = time.monotonic() + 120
        while True:
            try:
                if self.http.get(f"{self.address}/misc/ping", params={"key": key},
                                 timeout=5).ok:
                    break
            except requests.RequestException:
                pass
            if self.server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"pgAdmin did not start: {self.log()[-2000:]}")
            time.sleep(0.3)
        self.http.cookies.set("PGADMIN_INT_KEY", key)
        self.http.get(f"{self.address}/browser/", params={"key": key}, timeout=60)

    def log(self):
        return (self.folder / "out.log").read_text()

    def stop(self):
        if self.server:
            self.server.terminate()
            try:
                self.server.wait(20)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, method, path, want=(200, 201), **what):
        """One call; an error, also one within an answer of 200, raises with pgAdmin's words."""
        answer = self.http.request(method, self.address + path, timeout=60, **what)
        try:
            found = answer.json()
        except requests.JSONDecodeError:
            found = answer.text
        failed = isinstance(found, dict) and found.get("success") == 0
        if answer.status_code not in want or (failed and 200 in want):
            said = found.get("errormsg") if isinstance(found, dict) else found
            said = " ".join((said or json.dumps(found)).split())[:400]
            raise AssertionError(f"{method} {path}: {answer.status_code} {said}")
        return found

    def get(self, path, **what):
        return self.call("GET", path, **what)

    def post(self, path, **what):
        return self.call("POST", path, **what)

    def put(self, path, **what):
        return self.call("PUT", path, **what)

    def delete(self, path, **what):
        return self.call("DELETE", path, **what)
