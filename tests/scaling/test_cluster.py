"""A Dask cluster on this machine: a real scheduler and workers, one of which is killed."""

import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from pictures import bundled

from chnorm_cli.fitting.settings import Effort, FitSettings
from chnorm_cli.scaling import cluster as cluster_module
from chnorm_cli.scaling.choosing import course_for
from chnorm_cli.scaling.cluster import cluster
from chnorm_cli.scaling.events import Finished
from chnorm_cli.scaling.failures import Failure
from chnorm_cli.scaling.file_jobs import run_files
from chnorm_cli.scaling.processes import Here
from chnorm_cli.scaling.requests import Denoise, NoiseAsked, Request, TilesAsked, Writing

distributed = pytest.importorskip("distributed")


def request(source, target, tiles=None):
    settings = FitSettings(effort=Effort.FAST, steps=1, device="cpu", tile=256)
    noise, writing = NoiseAsked(sigma=25), Writing("tiff")
    asked = tiles or TilesAsked(jobs=0, resume=True)
    return Request(
        Denoise(noise), source, target, source.name, settings, writing=writing, tiles=asked
    )


@pytest.fixture
def noisy(tmp_path):
    truth = bundled("astronaut")[:1, 60:92, 10:510].numpy()[0]
    samples = 255 * truth + 25 * np.random.default_rng(0).standard_normal(truth.shape)
    path = tmp_path / "noisy.tif"
    tifffile.imwrite(path, np.clip(np.rint(samples), 0, 255).astype(np.uint8), tile=(16, 16))
    return path


def started(*arguments):
    command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture
def machines(tmp_path):
    """A scheduler's file, and two workers."""
    file = tmp_path / "scheduler.json"
    place = ("--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
    running = [started("scheduler", *place)]
    while not file.exists():
        time.sleep(0.1)
    worker = ("worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-nanny")
    running += [started(*worker) for _ in range(2)]
    yield file, running[1:]
    for process in running:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_worker_is_killed_and_all_tiles_arrive_to_the_bytes_of_a_local_run(noisy, machines):
    file, workers = machines
    *_, local = course_for(request(noisy, noisy.parent / "local.tif"))
    course = course_for(
        request(noisy, noisy.parent / "far.tif", TilesAsked(dask=str(file), resume=True))
    )
    killed = threading.Event()

    def kill_one():
        while not list(course.store.folder.glob("tile-*")):
            time.sleep(0.01)
        workers[0].kill()
        killed.set()

    threading.Thread(target=kill_one, daemon=True).start()
    *_, far = course
    assert killed.is_set()
    assert far.report["status"] == local.report["status"] == "ok"
    assert (noisy.parent / "far.tif").read_bytes() == (noisy.parent / "local.tif").read_bytes()
    with cluster(str(file)) as executor:
        requests = [request(noisy, noisy.parent / f"{n}.tif", TilesAsked()) for n in range(2)]
        ends = dict(run_files(requests, executor))
    assert all(isinstance(end, Finished) for end in ends.values())
    first, second = ((noisy.parent / f"{n}.tif").read_bytes() for n in range(2))
    assert first == second


def test_where_no_scheduler_answers_that_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(cluster_module, "PATIENCE", "0.5s")
    with pytest.raises(Failure, match="no scheduler answers there"), cluster("tcp://127.0.0.1:9"):
        pass
    with pytest.raises(Failure, match="give an address"), cluster(str(tmp_path / "none.json")):
        pass


def test_without_dask_that_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(Failure, match=r"chnorm\[dask\]"), cluster("tcp://127.0.0.1:9"):
        pass


def test_files_are_calls_and_a_bad_one_is_reported(noisy):
    bad = noisy.parent / "bad.tif"
    bad.write_text("no picture")
    requests = [request(path, noisy.parent / f"{path.stem}-clean.tif") for path in (noisy, bad)]
    requests[0] = replace(requests[0], source=noisy, target=noisy.parent / "x.tif")
    ends = dict(run_files(requests, Here()))
    assert isinstance(ends[0], Finished)
    assert ends[0].report["output"] == str(requests[0].target)
    assert isinstance(ends[1], Failure)
    assert "bad.tif" in ends[1].message
