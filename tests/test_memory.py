"""What is free, by the machine and by the limits of control groups."""

import ctypes
import subprocess
import sys

import pytest

from chnorm_cli.memory import free_memory

GROUP = {
    1: ("4:memory:/box\n", "memory/box", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    2: ("0::/box\n", "box", "memory.max", "memory.current"),
}


def machine(tmp_path, *, available=8000, group=""):
    proc = tmp_path / "proc"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text(f"MemTotal: 9999 kB\nMemAvailable:  {available} kB\n")
    (proc / "self" / "cgroup").write_text(group)
    return proc


def test_a_machine_without_limits_has_what_is_available(tmp_path):
    assert free_memory(machine(tmp_path), tmp_path / "none") == 8000 * 1024


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("limit", "free"), [("5000", 4000), ("max", 8000 * 1024), (str(2**62), 8000 * 1024)]
)
def test_a_container_has_what_is_left_below_its_limit(tmp_path, version, limit, free):
    line, folder, most, used = GROUP[version]
    groups = tmp_path / "groups" / folder
    groups.mkdir(parents=True)
    (groups / most).write_text(limit + "\n")
    (groups / used).write_text("1000\n")
    assert free_memory(machine(tmp_path, group=line), tmp_path / "groups") == free


def test_the_limit_of_a_group_above_counts(tmp_path):
    groups = tmp_path / "groups"
    (groups / "box").mkdir(parents=True)
    (groups / "memory.max").write_text("700\n")
    (groups / "memory.current").write_text("100\n")
    assert free_memory(machine(tmp_path, group="0::/box/inner\n"), groups) == 600


def test_a_system_that_does_not_say_is_believed_to_have_enough(tmp_path):
    assert free_memory(tmp_path / "no", tmp_path / "none") is None


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="another C library")
def test_freed_memory_is_given_back():
    script = """if True:
        import gc, resource
        from chnorm_cli.memory import give_back
        def resident():
            return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
        held = [bytearray(50_000) for _ in range(2000)]  # 100 MB, in pieces that the C library keeps
        last = bytearray(50_000)
        del held
        before = resident()
        give_back()
        print(before - resident())
    """
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) > 50_000_000
