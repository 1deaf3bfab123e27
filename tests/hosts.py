"""Network namespaces that stand for hosts: each has an address of its own, and a cable that can be pulled.

Linux alone, and only for root. The test's own network is the place of the servers: every host reaches it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path


class NoNamespacesError(Exception):
    """This machine does not let us make network namespaces."""


@dataclass(frozen=True, slots=True)
class Host:
    """A namespace with one cable to the servers."""

    name: str
    address: str
    cable: str

    def pull(self) -> None:
        """Pull the cable: from now on every packet is lost, both ways, and nobody is told."""
        _ip("link", "set", self.cable, "down")

    def plug(self) -> None:
        """Put the cable back."""
        _ip("link", "set", self.cable, "up")

    def start(
        self, command: Sequence[str], *, environment: Mapping[str, str], cwd: Path, log: Path
    ) -> subprocess.Popen[bytes]:
        """A process on this host, in a session of its own, that knows the host by its own name."""
        named = ["unshare", "--uts", "sh", "-c", f'hostname {self.name} && exec "$@"', "sh", *command]
        with log.open("ab") as output:
            return subprocess.Popen(
                ["ip", "netns", "exec", self.name, *named],
                cwd=cwd,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @contextmanager
    def running(
        self, command: Sequence[str], *, environment: Mapping[str, str], cwd: Path, log: Path
    ) -> Iterator[subprocess.Popen[bytes]]:
        """That process, gone when the block ends."""
        process = self.start(command, environment=environment, cwd=cwd, log=log)
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@dataclass(frozen=True, slots=True)
class Network:
    """The servers' address, and the hosts."""

    servers: str
    hosts: tuple[Host, ...]


@contextmanager
def network(hosts: int) -> Iterator[Network]:
    """So many hosts on one switch, which are gone with it when the block ends.

    Raises:
        NoNamespacesError: they cannot be made here.
    """
    if shutil.which("ip") is None or os.geteuid() != 0:
        raise NoNamespacesError("Network namespaces take Linux, the command `ip` (package iproute2), and root.")
    mark = f"hl{os.getpid() % 100_000}"
    net = f"10.77.{os.getpid() % 250}"
    switch, servers = f"{mark}s", f"{net}.1"
    with ExitStack() as stack:
        try:
            _ip("link", "add", switch, "type", "bridge")
            stack.callback(_ip, "link", "delete", switch)
            _ip("address", "add", f"{servers}/24", "dev", switch)
            _ip("link", "set", switch, "up")
            made = []
            for number in range(1, hosts + 1):
                host = Host(f"{mark}h{number}", f"{net}.{10 + number}", f"{mark}c{number}")
                _ip("netns", "add", host.name)
                stack.callback(_ip, "netns", "delete", host.name)
                inside = f"{mark}e{number}"
                _ip("link", "add", host.cable, "type", "veth", "peer", "name", inside)
                _ip("link", "set", host.cable, "master", switch, "up")
                _ip("link", "set", inside, "netns", host.name)
                _ip("-n", host.name, "address", "add", f"{host.address}/24", "dev", inside)
                _ip("-n", host.name, "link", "set", inside, "up")
                _ip("-n", host.name, "link", "set", "lo", "up")
                made.append(host)
        except subprocess.CalledProcessError as error:
            raise NoNamespacesError(f"`{' '.join(error.cmd)}` was refused: {error.stderr.strip()}") from error
        yield Network(servers, tuple(made))


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True, timeout=30)
