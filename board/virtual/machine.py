"""The emulated board as hardware: QEMU, its button, its power, and the firmware that picks a slot.

Whatever resets the board ends QEMU; the firmware, which is this program, then starts it again from the slot whose turn it
is, as a Jetson's does: each boot takes a try from the slot, and a slot without tries left is given up for the other one.
"""

import json
import os
import pathlib
import re
import socket
import subprocess
import threading
import time

SLOTS = ("A", "B")
PARTITION = {"A": "APP", "B": "APP_b"}
TRIES = 3
FLASH_BYTES = 512

MACHINE = ["-M", "virt,gic-version=3", "-cpu", "cortex-a76", "-smp", "2", "-m", "1536"]
PL061 = "/pl061@9030000"
# The line that QEMU wires its power button to, and the next one.
BUTTON_OFFSET = 3
LED_OFFSET = 4

# Longer than anything takes on a slow machine; ends a board that hangs.
SHELL_TIMEOUT_S = 120


class BoardError(Exception):
    """The board does not do what it has to."""


class Flash:
    """What the firmware remembers: which slot is to be booted, and what is known of each. `nvbootctrl` in the guest
    reads and writes the same bytes."""

    def __init__(self, path):
        self.path = path

    def read(self):
        text = self.path.read_bytes().rstrip(b"\0").decode()
        return dict(line.split("=") for line in text.split())

    def write(self, values):
        text = "".join(f"{name}={value}\n" for name, value in values.items())
        self.path.write_bytes(text.encode().ljust(FLASH_BYTES, b"\0"))

    def format(self):
        self.write({"active": "A", "tries_A": TRIES, "status_A": "normal", "tries_B": TRIES, "status_B": "normal"})

    def pick(self):
        """The slot to boot now; takes one of its tries."""
        values = self.read()
        for slot in (values["active"], *(slot for slot in SLOTS if slot != values["active"])):
            if values[f"status_{slot}"] == "normal" and int(values[f"tries_{slot}"]) > 0:
                values["active"] = slot
                values[f"tries_{slot}"] = int(values[f"tries_{slot}"]) - 1
                self.write(values)
                return slot
            values[f"status_{slot}"] = "unbootable"
        raise BoardError(f"no slot can be booted: {values}")


class Lines:
    """A socket that speaks lines, read by a thread so that nobody waits for ever."""

    def __init__(self, path, deadline):
        while True:
            try:
                self.socket = socket.socket(socket.AF_UNIX)
                self.socket.connect(str(path))
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise BoardError(f"QEMU does not open {path}") from None
                time.sleep(0.02)
        self.file = self.socket.makefile("rb")
        self.received = []
        self.ended = False
        self.changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for line in self.file:
                with self.changed:
                    self.received.append(line.rstrip(b"\r\n").decode(errors="replace"))
                    self.changed.notify_all()
        except OSError:
            pass
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def send(self, line):
        self.socket.sendall(line.encode() + b"\n")

    def next(self, wanted, timeout_s):
        """Takes the first line that is `wanted`, and leaves the others. `None` after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        with self.changed:
            while True:
                for at, line in enumerate(self.received):
                    if wanted(line):
                        return self.received.pop(at)
                left = deadline - time.monotonic()
                if self.ended or left <= 0:
                    return None
                self.changed.wait(left)

    def close(self):
        self.socket.close()


class Board:
    """One board: its disk, its flash and, while it has power, its QEMU."""

    def __init__(self, folder, port):
        self.folder = pathlib.Path(folder)
        self.flash = Flash(self.folder / "flash")
        self.port = port
        self.boots = 0
        self.slot = None
        self.process = None

    # --- power

    def power_on(self):
        self.slot = self.flash.pick()
        self.boots += 1
        kernel, initrd = self._load(self.slot)
        console = self.folder / f"console-{self.boots:02}"
        for name in ("qmp", "qtest", "shell"):
            (self.folder / name).unlink(missing_ok=True)
        command = [
            "qemu-system-aarch64", *MACHINE, "-accel", "tcg,thread=multi", "-nodefaults", "-display", "none", "-no-reboot", "-S",
            "-dtb", self.folder / "board.dtb", "-kernel", kernel, "-initrd", initrd,
            "-append", f"console=ttyAMA0 quiet loglevel=4 root=PARTLABEL={PARTITION[self.slot]} rauc.slot={self.slot} ro",
            "-serial", f"file:{console}",
            "-drive", f"file={self.folder}/disk,format=raw,if=none,id=disk", "-device", "virtio-blk-pci,drive=disk,serial=disk",
            "-drive", f"file={self.folder}/flash,format=raw,if=none,id=flash",
            "-device", "virtio-blk-pci,drive=flash,serial=flash",
            "-drive", f"file={self.folder}/updates,format=raw,if=none,id=updates,readonly=on",
            "-device", "virtio-blk-pci,drive=updates,serial=updates",
            "-device", "qemu-xhci",
            "-device", "i6300esb", "-action", "watchdog=reset", "-device", "virtio-rng-pci",
            "-netdev", f"user,id=lan,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-:8883",
            "-device", "virtio-net-pci,netdev=lan,romfile=",
            "-device", "virtio-serial-pci", "-chardev", f"socket,id=shell,path={self.folder}/shell,server=on,wait=off",
            "-device", "virtserialport,chardev=shell,name=shell",
            "-qmp", f"unix:{self.folder}/qmp,server=on,wait=off",
            "-qtest", f"unix:{self.folder}/qtest,server=on,wait=off", "-qtest-log", "none",
        ]  # fmt: skip
        errors = open(self.folder / f"qemu-{self.boots:02}", "wb")
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=errors, stderr=errors
        )
        deadline = time.monotonic() + 20
        self.qmp = Lines(self.folder / "qmp", deadline)
        self.qtest = Lines(self.folder / "qtest", deadline)
        self.shell = Lines(self.folder / "shell", deadline)
        self.sent = 0
        self._qmp("qmp_capabilities")
        self.pl061 = self._find_pl061()
        # The button connects its line to ground; a resistor holds it up until then.
        self.button(False)
        self._qmp("cont")

    def cut_power(self):
        """What has not reached the disk is lost."""
        self.process.kill()
        self._off()

    def wait_for_reset(self, timeout_s):
        """Waits until the board resets itself; says whether its watchdog did it."""
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise BoardError(f"the board did not reset itself within {timeout_s} s") from None
        with self.qmp.changed:
            events = [json.loads(line) for line in self.qmp.received]
        self._off()
        return any(event.get("event") == "WATCHDOG" for event in events)

    def _off(self):
        self.process.wait()
        self.process = None
        for lines in (self.qmp, self.qtest, self.shell):
            lines.close()

    def end(self):
        if self.process:
            self.cut_power()

    def _load(self, slot):
        """Takes kernel and initramfs out of the slot, as the firmware does."""
        start = partition_start(self.folder / "disk", PARTITION[slot])
        files = []
        for name in ("vmlinuz", "initrd"):
            file = self.folder / f"{name}-{slot}"
            file.unlink(missing_ok=True)
            subprocess.run(
                ["debugfs", "-R", f"dump /boot/{name} {file}", f"{self.folder}/disk?offset={start}"],
                check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            if not file.exists() or file.stat().st_size == 0:
                raise BoardError(f"slot {slot} has no /boot/{name}")
            files.append(file)
        return files

    # --- button

    def button(self, *levels):
        """Moves the button's contact through these levels, True is down, as fast as it goes."""
        line = f"set_irq_in {self.pl061} unnamed-gpio-in {BUTTON_OFFSET}"
        self.qtest.send("\n".join(f"{line} {int(not is_down)}" for is_down in levels))
        for _ in levels:
            answer = self.qtest.next(lambda _: True, 20)
            if answer != "OK":
                raise BoardError(f"the contact cannot be moved: {answer}")

    def press(self, hold_s=0.5, bounces=0):
        """Presses the button for so long; the contact bounces at both ends."""
        self.button(*[True, False] * bounces, True)
        time.sleep(hold_s)
        self.button(*[False, True] * bounces, False)

    # --- USB stick

    def plug(self, image):
        """Plugs in a USB stick that holds this."""
        self._qmp("blockdev-add", **{"node-name": "stick", "driver": "raw"},
                  file={"driver": "file", "filename": str(image)})  # fmt: skip
        self._qmp("device_add", driver="usb-storage", id="stick", drive="stick")

    def unplug(self):
        self._qmp("device_del", id="stick")
        if self.qmp.next(lambda line: json.loads(line).get("event") == "DEVICE_DELETED", 20) is None:
            raise BoardError("QEMU does not let the stick go")
        self._qmp("blockdev-del", **{"node-name": "stick"})

    def _find_pl061(self):
        for child in self._qmp("qom-list", path="/machine/unattached"):
            if child["type"] == "child<pl061>":
                return f"/machine/unattached/{child['name']}"
        raise BoardError("QEMU has no PL061")

    def _qmp(self, command, **arguments):
        self.qmp.send(json.dumps({"execute": command, "arguments": arguments}))
        answer = self.qmp.next(lambda line: "return" in json.loads(line) or "error" in json.loads(line), 20)
        if answer is None or "error" in json.loads(answer):
            raise BoardError(f"QEMU does not do {command}: {answer}")
        return json.loads(answer)["return"]

    # --- shell

    def run(self, line, timeout_s=SHELL_TIMEOUT_S):
        """Runs a line of shell on the board; its output, or an error with it where it fails."""
        status, output = self.try_run(line, timeout_s)
        if status != 0:
            raise BoardError(f"on the board, `{line}` ends with {status}: {output}")
        return output

    def try_run(self, line, timeout_s=SHELL_TIMEOUT_S):
        """Runs a line of shell on the board; its exit status and its output."""
        assert "\n" not in line
        self.sent += 1
        self.shell.send(f"{self.sent} {line}")
        output = []
        end = re.compile(rf"END {self.sent} (\d+)$")
        deadline = time.monotonic() + timeout_s
        while True:
            answer = self.shell.next(lambda _: True, max(0, deadline - time.monotonic()))
            if answer is None:
                raise BoardError(f"on the board, `{line}` does not end within {timeout_s} s")
            if match := end.match(answer):
                return int(match[1]), "\n".join(output).strip()
            output.append(answer)

    def wait_for_shell(self, timeout_s):
        """Waits until the board takes lines of shell."""
        if self.shell.next(lambda line: line == "READY", timeout_s) is None:
            raise BoardError(f"the board did not start within {timeout_s} s: {self.console()}")
        # What it said before it was ready is no answer to anything.
        with self.shell.changed:
            self.shell.received.clear()

    def console(self):
        """The end of what the kernel and the service manager wrote."""
        file = self.folder / f"console-{self.boots:02}"
        return "\n".join(file.read_text(errors="replace").splitlines()[-25:])


def partition_start(disk, label):
    """Where the partition starts, in bytes."""
    table = json.loads(subprocess.check_output(["sfdisk", "--json", disk]))["partitiontable"]
    for partition in table["partitions"]:
        if partition["name"] == label:
            return partition["start"] * table.get("sectorsize", 512)
    raise BoardError(f"{disk} has no partition {label}")


def make_device_tree(file, lines, serial):
    """QEMU's own device tree with our names on the button's and the LED's line, and with the module's serial number."""
    file = str(file)
    dump = [*MACHINE]
    dump[1] += f",dumpdtb={file}"
    subprocess.run(["qemu-system-aarch64", *dump, "-nodefaults", "-display", "none"], check=True, capture_output=True)
    names = [""] * 8
    names[BUTTON_OFFSET], names[LED_OFFSET] = lines
    # The kernel's own driver would take the button's line for the power key.
    subprocess.run(["fdtput", "-r", file, "/gpio-keys"], check=True)
    subprocess.run(["fdtput", "-t", "s", file, PL061, "gpio-line-names", *names], check=True)
    subprocess.run(["fdtput", "-t", "s", file, "/", "serial-number", serial], check=True)
