"""Runs one command on several nodes through ssh, for clusters without a batch system; put in front of
torchrun's command::

    python -m compsim_assets.workers.ssh HOST HOST -- COMMAND [ARGUMENT ...]

ssh starts a bare shell, so the settings that matter (below) and the working folder are sent along, on
the shell's standard input, where `ps` does not show them. Every node needs the same paths. When a node
cannot be reached or its command fails, the exit code is that; the agents end one another and notice the
end of the step themselves (`watch.py`).

COMPSIM_SSH names another program with its options, `ssh -o BatchMode=yes` by default.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time

UNREACHABLE = 255  # ssh's own exit code
_SENT = (
    "COMPSIM_", "DAGSTER_PIPES_", "TORCH", "OMP_", "MKL_", "CUDA_", "NCCL_", "GLOO_", "HF_", "PYTHON",
    "TMPDIR", "LD_LIBRARY_PATH",
)  # fmt: skip


def main(arguments: list[str]) -> int:
    """Run the command on every host at once; the first bad exit code, or 0."""
    split = arguments.index("--")
    hosts, command = arguments[:split], arguments[split + 1 :]
    ssh = shlex.split(os.environ.get("COMPSIM_SSH") or "ssh -o BatchMode=yes")
    running = {host: _start(ssh, host, command) for host in hosts}
    first_bad = 0
    while running:
        for host in [host for host, process in running.items() if process.poll() is not None]:
            code = running.pop(host).returncode
            if code:
                print(f"{host}: exit code {code}", file=sys.stderr, flush=True)
                first_bad = first_bad or code
            if code == UNREACHABLE:  # no agent there that could tell the others
                for process in running.values():
                    process.terminate()
        time.sleep(0.1)
    return first_bad


def _start(ssh: list[str], host: str, command: list[str]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([*ssh, host, "exec sh"], stdin=subprocess.PIPE)
    assert process.stdin is not None
    try:
        process.stdin.write(_script(command).encode())
        process.stdin.close()
    except BrokenPipeError:
        pass  # its exit code says why
    return process


def _script(command: list[str]) -> str:
    """A shell's input that enters this folder and becomes the command with these settings."""
    sent = {name: value for name, value in os.environ.items() if name.startswith(_SENT)}
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sent.items()]
    lines += [f"cd {shlex.quote(os.getcwd())} || exit 1", f"exec {shlex.join(command)} </dev/null"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
