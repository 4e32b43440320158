"""Pictures of kinds that chnorm does not read: in a folder they are counted and named, not passed over."""

from __future__ import annotations

import mimetypes
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from chnorm_cli.images import READABLE_SUFFIXES

# Suffixes of pictures. Python knows few of these, and the system's own list is not everywhere. What
# is readable is left out below, so that a kind that chnorm learns to read needs no change here.
PHONES_AND_WEB = (
    "heic heics heif heifs hif avci avif avifs jxl jxr wdp hdp jp2 j2k j2c jpc jpf jpx jpm mj2 jph "
    "jls bpg flif qoi jbig jb2 djvu pdf"
)
CAMERAS = (
    "3fr ari arw bay cap cr2 cr3 crw cs1 dcr dcs dng drf eip erf fff gpr iiq k25 kdc mdc mef mos mrw "
    "nef nrw orf ori pef ptx pxn raf raw rw2 rwl rwz sr2 srf srw x3f"
)
INSTRUMENTS = (
    "fit fits fts fz xisf ser czi lif lsm nd2 oib oif oir vsi svs ndpi scn mrc mrcs dm3 dm4 ims stk "
    "zvi mrxs bif ets sld spe sif dcm dicom ima nii mha mhd nrrd hdf hdf5 h5"
)
PROGRAMS = (
    "psd psb xcf kra ora clip afphoto exr hdr pic pfm pam phm dpx cin tga icb vda vst pcx dcx sgi rgb "
    "rgba bw ras sun xpm xbm xwd dds ico icns cur wmf emf svg svgz eps ps ai iff lbm mng jng"
)
PICTURES = frozenset(
    f".{name}"
    for names in (PHONES_AND_WEB, CAMERAS, INSTRUMENTS, PROGRAMS)
    for name in names.split()
)
PACKED = (".gz", ".bz2", ".xz", ".zst")


def kind_of(path: Path) -> str | None:
    """Return the suffix of a picture that chnorm does not read; None for any other file."""
    suffix = path.suffix.lower()
    if suffix in PACKED:
        inner = Path(path.stem).suffix.lower()
        return inner + suffix if inner in PICTURES or inner in READABLE_SUFFIXES else None
    if suffix in READABLE_SUFFIXES:
        return None
    guessed, _ = mimetypes.guess_type(f"x{suffix}")
    return suffix if suffix in PICTURES or (guessed or "").startswith("image/") else None


def count_unread(paths: Iterable[Path]) -> dict[str, int]:
    """Return how many there are of each such kind, the most frequent first."""
    kinds = Counter(kind for path in paths if (kind := kind_of(path)) is not None)
    return dict(sorted(kinds.items(), key=lambda item: (-item[1], item[0])))


def describe_unread(kinds: Mapping[str, int]) -> str:
    """Say e.g. `3 files of kinds that chnorm does not read: 2 .heic, 1 .dng`."""
    count = sum(kinds.values())
    files = f"{count} files" if count > 1 else "1 file"
    what = "kinds" if len(kinds) > 1 else "a kind"
    names = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
    return f"{files} of {what} that chnorm does not read: {names}"
