"""A Superset of its own: sqlite for its metadata, a folder that goes away, a free port."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests

USER, PASSWORD = "admin", "admin"
HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("TEATREE_CLIENTS_CACHE",
                            Path.home() / ".cache" / "teatree" / "pg_clients"))


class Service:
    """A running Superset; `get`, `post` and `put` are its REST API, `path` without `/api/v1`."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="superset"))
        self.environment = os.environ | {
            "CHECK_METADATA": str(self.folder / "metadata.db"),
            "FLASK_APP": "superset.app:create_app()",
            "SUPERSET_CONFIG_PATH": str(HERE / "superset_config.py"),
            "SUPERSET_HOME": str(self.folder),
        }
        self.server = None
        self.http = requests.Session()
        self.http.trust_env = False

    def superset(self, *arguments, log):
        """The command line of Superset, in the background."""
        with open(self.folder / log, "w") as file:
            return subprocess.Popen([str(Path(sys.executable).parent / "superset"), *arguments],
                                    env=self.environment, cwd=self.folder, stdout=file,
                                    stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def metadata(self):
        """Makes Superset's own database, or copies the one that an earlier run made."""
        made = CACHE / "superset_metadata_6.1.0.db"
        if not made.exists():
            for arguments in (
                    ["db", "upgrade"],
                    ["fab", "create-admin", "--username", USER, "--password", PASSWORD,
                     "--firstname", "a", "--lastname", "b", "--email", "a@example.org"],
                    ["init"]):
                command = self.superset(*arguments, log="setup.log")
                try:
                    status = command.wait(180)
                finally:
                    command.kill()
                if status:
                    raise RuntimeError(f"superset {arguments[0]}: {self.tail('setup.log')}")
            shutil.copy(self.environment["CHECK_METADATA"], f"{made}.{os.getpid()}")
            os.replace(f"{made}.{os.getpid()}", made)
        else:
            shutil.copy(made, self.environment["CHECK_METADATA"])

    def start(self):
        self.metadata()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        self.server = self.superset("run", "-h", "127.0.0.1", "-p", str(port), "--with-threads",
                                    log="server.log")
        until = time.monotonic() + 120
        while True:
            try:
                if self.http.get(f"{self.address}/health", timeout=5).text == "OK":
                    break
            except requests.ConnectionError:
                pass
            if self.server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"Superset did not start: {self.tail('server.log')}")
            time.sleep(0.3)

    def tail(self, log):
        return (self.folder / log).read_text()[-2000:]

    def last_error(self):
        """The error that ends the last traceback in Superset's log."""
        tail = (self.folder / "server.log").read_text().split("Traceback (most recent")[-1]
        return next((line[:500] for line in tail.splitlines()[1:] if not line.startswith(" ")), "")

    def stop(self):
        if self.server:
            self.server.terminate()
            try:
                self.server.wait(20)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log_in(self):
        token = self.post("/security/login", json={
            "username": USER, "password": PASSWORD, "provider": "db", "refresh": True})
        self.http.headers["Authorization"] = f"Bearer {token['access_token']}"
        # What is older than the API knows the cookie of the page only.
        self.http.post(f"{self.address}/login/", timeout=60,
                       data={"username": USER, "password": PASSWORD})

    def call(self, method, path, want=(200, 201), **what):
        """One call; another status than wanted raises with Superset's own words."""
        answer = self.http.request(method, f"{self.address}/api/v1{path}", timeout=60, **what)
        is_json = answer.headers.get("Content-Type", "").startswith("application/json")
        if answer.status_code not in want:
            said = answer.text[:500] if is_json else self.last_error()
            raise AssertionError(f"{method} {path}: {answer.status_code} {said}")
        return answer.json() if is_json else answer

    def get(self, path, **what):
        return self.call("GET", path, **what)

    def post(self, path, **what):
        return self.call("POST", path, **what)

    def put(self, path, **what):
        return self.call("PUT", path, **what)

    def delete(self, path, **what):
        return self.call("DELETE", path, **what)
