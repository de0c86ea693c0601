"""Starts and stops the two servers of the differential suite: PostgreSQL 15 and Teatree."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class CannotStart(Exception):
    """A server that is not here or does not start."""


def free_port():
    """A loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(host, port):
    """Whether somebody listens there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


class Server:
    """A server's address and, when it was started here, its process and folder."""

    def __init__(self, name, variable):
        self.name = name
        self.process = None
        self.folder = None
        given = os.environ.get(variable)
        if given:
            self.host, port = given.rsplit(":", 1)
            self.port = int(port)
        else:
            self.host, self.port = "127.0.0.1", free_port()
            self.folder = Path(tempfile.mkdtemp(prefix=f"compat_{name.lower()}_"))

    def launch(self, command, **options):
        """Runs the command until it accepts connections."""
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options
            )
        for _ in range(600):
            if accepts(self.host, self.port):
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise CannotStart(f"{self.name} did not start:\n{self.log_tail()}")

    def log_tail(self):
        """The last lines that it wrote."""
        text = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-20:])

    def start(self):
        """Starts it, unless its address was given."""

    def ended(self):
        """Whether a server that was started here is gone."""
        return self.process is not None and self.process.poll() is not None

    def stop(self):
        """Ends the process and removes the folder."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


class Postgres(Server):
    """A PostgreSQL 15 with a cluster of its own."""

    def __init__(self):
        super().__init__("PostgreSQL", "COMPAT_PG")

    @staticmethod
    def binaries():
        """The folder with initdb and postgres."""
        folders = [Path("/usr/lib/postgresql/15/bin")]
        if shutil.which("pg_config"):
            said = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True)
            folders.append(Path(said.stdout.strip()))
        if shutil.which("initdb"):
            folders.append(Path(shutil.which("initdb")).parent)
        for folder in folders:
            if (folder / "initdb").exists() and (folder / "postgres").exists():
                return folder
        raise CannotStart("PostgreSQL is not here: install it, or set COMPAT_PG=host:port")

    def start(self):
        if self.folder is None:
            return
        bin_folder = self.binaries()
        options = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            options = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        data = self.folder / "data"
        made = subprocess.run(
            [bin_folder / "initdb", "-D", data, "-U", "postgres", "-A", "trust",
             "--locale=C.UTF-8", "--encoding=UTF8", "--no-sync"],
            capture_output=True, text=True, cwd=self.folder, **options,
        )
        if made.returncode != 0:
            raise CannotStart(f"initdb failed:\n{made.stderr}")
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
            "timezone": "UTC",
            "fsync": "off",
            "max_prepared_transactions": 10,
        }
        command = [bin_folder / "postgres", "-D", data]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self.launch(command, cwd=self.folder, **options)


class Teatree(Server):
    """The built Teatree on a folder of its own."""

    def __init__(self):
        super().__init__("Teatree", "COMPAT_TEATREE")

    @staticmethod
    def binary():
        """TEATREE_BIN, or cargo's target folder; with that set never a stale build elsewhere."""
        if os.environ.get("TEATREE_BIN"):
            found = [Path(os.environ["TEATREE_BIN"])]
        elif os.environ.get("CARGO_TARGET_DIR"):
            found = [Path(os.environ["CARGO_TARGET_DIR"]) / "debug/teatree"]
        else:
            targets = [ROOT / "target", Path.home() / ".cache/teatree/target"]
            found = [target / "debug/teatree" for target in targets]
        for path in found:
            if os.access(path, os.X_OK):
                return path
        raise CannotStart("no teatree: build it, or set TEATREE_BIN, or COMPAT_TEATREE=host:port")

    def start(self):
        if self.folder is None:
            return
        self.launch([
            self.binary(), "serve", "--data-dir", self.folder / "data",
            "--listen", f"{self.host}:{self.port}",
        ])
