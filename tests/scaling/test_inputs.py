"""Which pictures are meant and where their results go, without restoring any."""

from pathlib import Path

import pytest

from chnorm_cli.scaling.failures import Failure
from chnorm_cli.scaling.inputs import find_sources, pair_up, read_shard
from chnorm_cli.scaling.pool import share_threads, usable_cores


@pytest.fixture
def folder(tmp_path):
    for name in ("b.png", "a.TIF", "c.bmp", "x.txt", ".hidden.png", "sub/d.png", ".git/e.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def found(*inputs, **options):
    return [str(source.inner) for source in find_sources(inputs, **options)]


def test_folders_are_sorted_and_files_are_taken_as_named(folder):
    assert found(folder, recursive=False) == ["a.TIF", "b.png", "c.bmp"]
    assert found(folder, recursive=True) == ["a.TIF", "b.png", "c.bmp", "sub/d.png"]
    assert found(folder, recursive=True, hide=folder / "sub") == ["a.TIF", "b.png", "c.bmp"]
    both = [folder / "b.png", folder / "sub"]  # as in `chnorm denoise * -o sub/`
    assert found(*both, recursive=False, hide=folder / "sub") == ["b.png"]
    assert found(folder / "x.txt", folder / "x.txt", recursive=False) == ["x.txt"]


def test_shards_are_a_partition(folder):
    pairs = pair_up(find_sources([folder], recursive=True), folder=Path("out"), suffix="")
    shards = [pairs[i - 1 :: 3] for i in (1, 2, 3)]
    assert sorted((pair for shard in shards for pair in shard), key=str) == sorted(pairs, key=str)
    assert [str(pair.target) for pair in pairs] == [
        "out/a.TIF", "out/b.png", "out/c.png", "out/sub/d.png",
    ]  # fmt: skip


def test_a_suffix_does_not_feed_on_itself(tmp_path):
    for name in ("a.png", "a_x.png", "b.png"):
        (tmp_path / name).touch()
    pairs = pair_up(find_sources([tmp_path], recursive=False), folder=None, suffix="_x")
    assert [(pair.source.name, pair.target.name) for pair in pairs] == [
        ("a.png", "a_x.png"), ("b.png", "b_x.png"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "-1/3", "1/3/5"])
def test_bad_shards(text):
    with pytest.raises(Failure, match="3/16"):
        read_shard(text)


def test_threads_are_shared_out():
    assert share_threads(1) == usable_cores()
    assert share_threads(10_000) == 1
