"""Several processes on this machine that train together, as torchrun starts them."""

import os
import socket
import subprocess
import sys
from pathlib import Path


def run_two(program: str, folder: Path) -> list[subprocess.CompletedProcess[str]]:
    """Runs a Python program as ranks 0 and 1, with the folder as its argument, to a good end."""
    source = folder / "worker.py"
    source.write_text(program)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    shared = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
        "WORLD_SIZE": "2",
        "PYTHONPATH": str(Path(__file__).parent.parent),
    }
    workers = [
        subprocess.Popen(
            [sys.executable, str(source), str(folder)],
            env={**os.environ, **shared, "RANK": rank, "LOCAL_RANK": rank},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in ("0", "1")
    ]
    done = []
    for worker in workers:
        output, errors = worker.communicate(timeout=600)
        assert worker.returncode == 0, errors
        done.append(subprocess.CompletedProcess(worker.args, 0, output, errors))
    return done
