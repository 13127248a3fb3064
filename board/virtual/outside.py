"""What stands outside of the board: clients of its broker, through TLS and the forwarded port."""

import json
import subprocess
import threading
import time

from machine import BoardError


class Account:
    """A user of the broker, or somebody without a name."""

    def __init__(self, port, authority, user=None, password=None):
        self.port = port
        self.authority = authority
        self.user = user
        self.password = password

    def arguments(self):
        words = ["-h", "localhost", "-p", str(self.port), "--cafile", str(self.authority), "-V", "mqttv5"]
        return words + (["-u", self.user, "-P", self.password] if self.user else [])

    def publish(self, topic, payload):
        """Publishes; the broker's refusal in words, empty where it takes the message."""
        done = subprocess.run(
            ["mosquitto_pub", *self.arguments(), "-q", "1", "-t", topic, "-m", payload],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return (done.stdout + done.stderr).strip()


class Listener:
    """A subscriber that keeps what it heard: topic, payload, and when."""

    def __init__(self, account, topics, patience_s):
        self.heard = []
        self.changed = threading.Condition()
        self.process = None
        deadline = time.monotonic() + patience_s
        # The broker may not be there yet.
        while True:
            self._connect(account, topics)
            if self.wait(lambda _, __: True, 30 if self.process.poll() is None else 0.1) is not None:
                return
            self.close()
            if time.monotonic() > deadline:
                raise BoardError(f"the broker does not let {account.user} in within {patience_s} s: {self.errors}")
            time.sleep(0.5)

    def _connect(self, account, topics):
        words = [part for topic in topics for part in ("-t", topic)]
        self.process = subprocess.Popen(
            ["mosquitto_sub", *account.arguments(), "-q", "1", *words, "-F", "%t %x"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()

    def _read(self, process):
        for line in process.stdout:
            topic, _, payload = line.decode().rstrip("\n").partition(" ")
            payload = bytes.fromhex(payload).decode(errors="replace")
            with self.changed:
                self.heard.append((topic, payload))
                self.changed.notify_all()
        self.errors = process.stderr.read().decode(errors="replace").strip()
        with self.changed:
            self.changed.notify_all()

    def wait(self, wanted, timeout_s, since=0):
        """The number of the first message from `since` on that is `wanted(topic, payload)`; `None` after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        at = since
        with self.changed:
            while True:
                while at < len(self.heard):
                    if wanted(*self.heard[at]):
                        return at
                    at += 1
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self.changed.wait(left)

    def now(self):
        """The number that the next message will have."""
        with self.changed:
            return len(self.heard)

    def close(self):
        # It takes its leave of the broker.
        self.process.terminate()
        self.process.wait()


class Stick:
    """A USB stick with the label BAIZE, as a person makes it on a computer."""

    def __init__(self, image):
        self.image = image
        image.unlink(missing_ok=True)
        self._tool("mkfs.vfat", "-C", "-n", "BAIZE", image, "8192")

    def folders(self):
        return [line.strip("/:") for line in self._tool("mdir", "-b", "-i", self.image, "::").splitlines()]

    def read(self, path):
        return self._tool("mtype", "-i", self.image, f"::{path}")

    @staticmethod
    def _tool(*command):
        return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True, timeout=60).stdout


class Watch:
    """`baize watch --json` on this machine: the states that a subscriber decodes."""

    def __init__(self, program, account, folder):
        password = folder / f"{account.user}.password"
        password.write_text(account.password + "\n")
        config = folder / f"{account.user}.toml"
        config.write_text(
            f'[broker]\nuser = "{account.user}"\npassword_file = "{password}"\nca_file = "{account.authority}"\n'
        )
        self.process = None
        self.command = [program, "watch", "--json", "--broker", f"mqtts://localhost:{account.port}", "--config", config]

    def start(self):
        """Watches from now on. One process for a whole start of the board: Mosquitto 2.0.11 turns in circles for a while when
        a connection is torn off, and starves everybody else."""
        self.stop()
        self.states = []
        self.changed = threading.Condition()
        self.process = subprocess.Popen(
            list(map(str, self.command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()

    def _read(self, process):
        for line in process.stdout:
            state = json.loads(line)
            if "balls" in state:
                with self.changed:
                    self.states.append(state)
                    self.changed.notify_all()

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()

    def next(self, wanted, timeout_s):
        """A state that comes from now on and is `wanted`; an error with the newest after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        with self.changed:
            # The very first may be one that the broker kept.
            at = max(1, len(self.states))
            while True:
                for state in self.states[at:]:
                    if wanted(state):
                        return state
                at = max(at, len(self.states))
                left = deadline - time.monotonic()
                if left <= 0:
                    raise BoardError(f"no such state within {timeout_s} s; the newest: {self.states[-1:]}")
                self.changed.wait(left)
