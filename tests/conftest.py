"""Settings for all tests: one thread, all of them side by side, no GPU's where there is none."""

import os

import pytest

# Before anything imports torch: pictures of 16×16 are fitted sooner by one thread than by two that
# wait for each other, and several times sooner where other programs are running.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Spread the whole suite over the cores; a few files run sooner in this process alone."""
    if "PYTEST_XDIST_WORKER" in os.environ or not config.pluginmanager.hasplugin("xdist"):
        return
    whole = config.args_source is not config.ArgsSource.ARGS
    if whole and not config.option.usepdb and not config.option.collectonly:
        if config.option.numprocesses is None:  # `-n 0` asks for one process
            config.option.numprocesses = min(os.cpu_count() or 1, 8)
        config.option.dist = "worksteal"


@pytest.fixture
def threads_put_back():
    """Let a test change torch's number of threads."""
    import torch

    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def pytest_collection_modifyitems(items):
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch

    if torch.cuda.is_available():
        return
    skip = pytest.mark.skip(reason=f"no CUDA device (torch {torch.__version__})")
    for item in marked:
        item.add_marker(skip)
