"""Which pictures are meant and where their results go, without restoring any."""

from pathlib import Path

import pytest

from chnorm_cli.images import READABLE_SUFFIXES
from chnorm_cli.scaling.failures import Failure
from chnorm_cli.scaling.inputs import find_sources, find_unread, pair_up, read_shard
from chnorm_cli.scaling.kinds import count_unread, describe_unread
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


@pytest.fixture
def mixed(tmp_path):
    names = "a.png b.nef c.NEF d.dng e.fits.gz notes.txt Thumbs.db a.xmp .f.nef sub/g.cr3 out/h.jxr"
    for name in names.split():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_pictures_of_other_kinds_are_counted(mixed):
    assert find_unread([mixed], recursive=False) == {".nef": 2, ".dng": 1, ".fits.gz": 1}
    deep = find_unread([mixed], recursive=True, hide=mixed / "out")
    assert deep == {".nef": 2, ".cr3": 1, ".dng": 1, ".fits.gz": 1}
    assert find_unread([mixed / "b.nef"], recursive=False) == {}  # named, so it is tried


def test_what_chnorm_reads_is_not_called_unread(tmp_path):
    paths = [tmp_path / f"a{suffix}" for suffix in READABLE_SUFFIXES]
    assert count_unread(paths) == {}


def test_a_sentence_on_what_was_left_out():
    several = describe_unread({".nef": 2, ".dng": 1})
    assert several == "3 files of kinds that chnorm does not read: 2 .nef, 1 .dng"
    assert describe_unread({".jxr": 1}) == "1 file of a kind that chnorm does not read: 1 .jxr"


def test_a_link_and_its_file_are_one_picture_in_place(tmp_path):
    (tmp_path / "b.png").touch()
    (tmp_path / "a.png").symlink_to("b.png")
    sources = find_sources([tmp_path], recursive=False)
    assert len(sources) == 2
    pairs = pair_up(sources, folder=None, suffix="", in_place=True)
    assert [pair.target.name for pair in pairs] == ["a.png"]


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "-1/3", "1/3/5"])
def test_bad_shards(text):
    with pytest.raises(Failure, match="3/16"):
        read_shard(text)


def test_threads_are_shared_out():
    assert share_threads(1) == usable_cores()
    assert share_threads(10_000) == 1


def test_a_zarr_is_a_picture_and_no_folder_of_pictures(tmp_path):
    for name in ("a.zarr/0/0.png", "b/.zattrs", "b/x.png", "sub/c.zarr/labels/d.zarr/.zgroup"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    flat = find_sources([tmp_path], recursive=False)
    assert [source.path.name for source in flat] == ["a.zarr", "b"]
    deep = find_sources([tmp_path], recursive=True)
    assert [str(source.inner) for source in deep] == ["a.zarr", "b", str(Path("sub/c.zarr"))]
    named = find_sources([tmp_path / "a.zarr", tmp_path / "b"], recursive=False)
    assert [source.path.name for source in named] == ["a.zarr", "b"]
    pairs = pair_up(named, folder=tmp_path / "out", suffix="-clean")
    assert [pair.target.name for pair in pairs] == ["a-clean.zarr", "b-clean.zarr"]
