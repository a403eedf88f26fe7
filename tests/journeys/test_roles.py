"""Each role a process of its own, with the rights and settings of docker/ and nothing else."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.installation import RELAY, alive, clean_environment
from tests.peers.missing import missing, require_program
from tests.peers.name_server import NameServer
from tests.peers.ports import free_port
from tests.peers.redis_server import redis_binary
from tests.peers.waiting import wait_until

DOCKER = Path(__file__).parents[2] / "docker"


class Roles:
    """Processes of `mediastreamer ROLE`, each with a state folder of its own."""

    def __init__(self, folder: Path, upstream: NameServer) -> None:
        self.folder = folder
        self.dns, self.web, self.redis_port = free_port(), free_port(), free_port()
        shutil.copy(DOCKER / "make_secrets", folder)
        subprocess.run([folder / "make_secrets"], check=True, stdout=subprocess.DEVNULL)
        self.relays = [f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"]
        common = {"relay_addresses": f"us={RELAY}", "relay_check_port": "0"}
        data_plane = {
            **common,
            "redis_url": self._redis_url("redis_url_of_the_data_plane"),
            "upstreams": f"127.0.0.1:{upstream.port}",
            "workers": "1",
        }
        self.settings = {
            "registry": {
                **common,
                "redis_url": self._redis_url("redis_url_of_the_registry"),
                "database_url": f"sqlite:///{folder / 'registry.sqlite'}",
                "web_listen": f"127.0.0.1:{self.web}",
                "public_url": f"http://127.0.0.1:{self.web}",
            },
            "resolver": {**data_plane, "dns_listen": f"127.0.0.1:{self.dns}"},
            "relay": {
                **data_plane,
                "relay_tls_listen": self.relays[0],
                "relay_http_listen": self.relays[1],
            },
        }
        self.processes: list[subprocess.Popen[bytes]] = []

    def _redis_url(self, name: str) -> str:
        text = (self.folder / "secrets" / name).read_text().strip()
        return text.replace(":6379", f":{self.redis_port}")

    def start_redis(self) -> None:
        """Start one that knows the two users of docker/ and nobody else."""
        arguments = [
            *(redis_binary(), "--port", str(self.redis_port), "--bind", "127.0.0.1"),
            *("--save", "", "--appendonly", "no", "--slowlog-log-slower-than", "-1"),
            *("--aclfile", str(self.folder / "secrets" / "redis_users")),
        ]
        self.processes.append(subprocess.Popen(arguments, stdout=subprocess.DEVNULL))

    def start(self, role: str, *wrapper: str) -> subprocess.Popen[bytes]:
        """Start a role and wait until it says that it is ready."""
        process = subprocess.Popen(
            [*wrapper, *self._command(role)],
            stderr=subprocess.PIPE,
            env=clean_environment(**self.settings[role]),
            close_fds=not wrapper,
        )
        self.processes.append(process)
        assert process.stderr is not None
        ready = f"Ready: {role}\n"
        lines = map(bytes.decode, process.stderr)
        said = []
        while ready not in said:
            line = next(lines, None)
            assert line is not None, f"{role} ended ({process.wait(20)}): {said}"
            said.append(line)
        # A registry that finds Redis empty may say so first.
        assert said[:-1] in ([], ["publishing the whole allowlist again\n"])
        return process

    def _command(self, role: str) -> list[str]:
        return [sys.executable, "-m", "cli.main", role, "--state", str(self.folder / role)]

    def run(self, *arguments: str, role: str = "registry") -> subprocess.CompletedProcess[str]:
        """Run a command with the settings of a role."""
        return subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments, "--state", str(self.folder / role)],
            capture_output=True, text=True, check=False, input="a long enough password\n",
            env=clean_environment(**self.settings[role]),
        )  # fmt: skip

    def dig(self) -> str:
        """Ask for a steered name."""
        dig = require_program("dig", "bind9-dnsutils")
        asked = [dig, "@127.0.0.1", "-p", str(self.dns), "+tries=1", "+time=5", "www.netflix.com"]
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout

    def stop(self) -> None:
        """End what is left."""
        for process in reversed(self.processes):
            process.terminate()
            process.wait(20)
            if process.stderr is not None:
                process.stderr.close()


@pytest.fixture
def roles(tmp_path: Path, name_server: NameServer) -> Iterator[Roles]:
    """None of them started yet."""
    made = Roles(tmp_path, name_server)
    yield made
    made.stop()


def test_three_roles_and_a_redis_with_two_users(roles: Roles) -> None:
    """The rights that docker/ gives to each plane suffice, and the planes meet in Redis alone."""
    roles.start_redis()
    old = roles.run("registry")
    assert old.returncode == 1
    assert "mediastreamer database upgrade" in old.stderr
    assert roles.run("database", "upgrade").returncode == 0
    assert roles.run("account", "add", "a@example.com", "--password-stdin").returncode == 0
    assert roles.run("address", "add", "a@example.com", "127.0.0.1").returncode == 0

    started = {role: roles.start(role) for role in ("registry", "resolver", "relay")}
    wait_until(lambda: RELAY in roles.dig())
    for role in started:
        said = roles.run("status", role=role)
        assert said.returncode == 0, said.stderr
        assert said.stdout.startswith(role)
    assert not (roles.folder / "resolver" / "secret-key").exists(), "the registry's alone"

    for process in started.values():
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_redis_away_at_the_start_is_waited_for(roles: Roles) -> None:
    """Refused with EDE 14 and not ready; served within seconds of Redis' coming."""
    roles.run("database", "upgrade")
    resolver = subprocess.Popen(
        roles._command("resolver"),
        stderr=subprocess.DEVNULL,
        env=clean_environment(**roles.settings["resolver"]),
    )
    roles.processes.append(resolver)
    wait_until(lambda: "EDE: 14" in roles.dig())
    assert roles.run("status", role="resolver").returncode == 1
    roles.start_redis()
    roles.start("registry")
    wait_until(lambda: "EDE: 18" in roles.dig())
    # It hears of it a little later.
    wait_until(lambda: roles.run("status", role="resolver").returncode == 0)


def test_systemd_hands_sockets_over(roles: Roles) -> None:
    """Socket activation: the resolver answers on sockets that somebody else bound."""
    roles.start_redis()
    roles.run("database", "upgrade")
    roles.start("registry")
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.create_server(("127.0.0.1", 0)) as tcp,
    ):
        udp.bind(("127.0.0.1", 0))
        roles.dns = udp.getsockname()[1]
        activation = (
            "import os, sys\n"
            "os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4)\n"
            "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='2',"
            " LISTEN_FDNAMES='udp:tcp')\n"
            "os.execv(sys.argv[3], sys.argv[3:])"
        )
        descriptors = [udp.fileno(), tcp.fileno()]
        for descriptor in descriptors:
            os.set_inheritable(descriptor, True)
        roles.start("resolver", sys.executable, "-c", activation, *map(str, descriptors))
    assert "status: REFUSED" in roles.dig()


FEW_RIGHTS = [
    "setpriv",
    "--no-new-privs",
    "--bounding-set=-all,+net_bind_service,+setuid,+setgid",
]
"""What root may in docker/compose.yaml."""


def everybody_may_go_to(path: Path) -> list[str]:
    """Give a command before another one, in whose view of the files no parent of `path` is closed.

    Root's own Python may lie in root's home (pyenv's does), where nobody else may go.
    """
    closed = next((p for p in reversed(path.parents) if not p.stat().st_mode & 0o001), None)
    if closed is None:
        return []
    mounts = (
        'mount --bind "$0" /mnt && mount -t tmpfs -o mode=755 none "$1" && mkdir -p "$0"'
        ' && mount --move /mnt "$0" && shift && exec "$@"'
    )
    return ["unshare", "-m", "sh", "-c", mounts, str(path), str(closed)]


def test_root_binds_the_port_and_nobody_does_the_work(roles: Roles) -> None:
    """RUN_AS: no process of the resolver keeps root's rights once it reads the network.

    With the capabilities and the state folder of docker/compose.yaml, and its health check.
    """
    if os.geteuid() != 0:
        missing("only root can become somebody else")
    view = everybody_may_go_to(Path(sys.base_prefix))
    code = "import os, pwd, sys; os.setuid(pwd.getpwnam('nobody').pw_uid);"
    code += "os.execv(sys.executable, ['python', '-c', 'import cli.main'])"
    tried = subprocess.run([*view, sys.executable, "-c", code], check=False, capture_output=True)
    if tried.returncode != 0:
        missing("nobody may not read this Python or this checkout: it lies in somebody's home")
    roles.start_redis()
    roles.run("database", "upgrade")
    roles.start("registry")
    roles.settings["resolver"] |= {"run_as": "nobody", "dns_listen": "127.0.0.153:53"}
    folder = roles.folder / "resolver"
    folder.mkdir()
    folder.chmod(0o750)
    shutil.chown(folder, "nobody", 0)
    for parent in (roles.folder, *list(roles.folder.parents)[:-2]):
        parent.chmod(parent.stat().st_mode | 0o011)
    few_rights = [*view, *FEW_RIGHTS]
    resolver = roles.start("resolver", *few_rights)
    status = [*few_rights, *roles._command("status")[:-1], str(folder)]
    environment = clean_environment(**roles.settings["resolver"])
    wait_until(lambda: subprocess.run(status, check=False, env=environment).returncode == 0)
    children = Path(f"/proc/{resolver.pid}/task/{resolver.pid}/children").read_text().split()
    assert children
    for pid in (resolver.pid, *map(int, children)):
        assert alive(pid)
        assert Path(f"/proc/{pid}/status").read_text().split("Uid:")[1].split()[0] != "0"
