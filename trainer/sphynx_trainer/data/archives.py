"""The official archives: fetched, held against their checksums, unpacked."""

import hashlib
import os
import shutil
import tarfile
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .dataset import DatasetError


@dataclass(frozen=True)
class Archive:
    """A file on the authors' server. digest: hexadecimal, of `algorithm` as hashlib names it."""

    url: str
    algorithm: str
    digest: str


ARCHIVES = {
    "cifar10": Archive(
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "md5",
        "c32a1d4ab5d03f1284b67883e8d87530",
    ),
    "cifar100": Archive(
        "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
        "md5",
        "03b5dce01913d631647c71ecec9e9cb8",
    ),
    "tiny-imagenet": Archive(
        "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
        "md5",
        "90528d7ca1a48142e341f4ef8d21d0de",
    ),
}
"""By data set. The authors publish MD5: it finds broken downloads, not a forger's archive."""


def download(archive: Archive, folder: Path) -> None:
    """Unpacks the archive into `folder`, without its outermost folder.

    Raises DatasetError, and unpacks nothing, if the checksum is not the archive's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / PurePosixPath(archive.url).name
    if not file.exists():
        partial = file.with_name(file.name + ".partial")
        with urllib.request.urlopen(archive.url) as response, partial.open("wb") as target:
            shutil.copyfileobj(response, target)
        os.replace(partial, file)
    verify(file, archive)
    unpack(file, folder)


def verify(file: Path, archive: Archive) -> None:
    """Raises DatasetError unless the file is the archive."""
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, archive.algorithm).hexdigest()
    if digest != archive.digest:
        raise DatasetError(
            f"{file}: expected {archive.algorithm} {archive.digest}, got {digest}; "
            "delete the file and try again"
        )


def unpack(file: Path, folder: Path) -> None:
    """Unpacks a .tar.gz or .zip. Entries that would leave the folder are refused or tamed."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as entries:
            for entry in entries.infolist():
                inside = _inside(entry.filename)
                if inside and not entry.is_dir():
                    entry.filename = inside
                    entries.extract(entry, folder)
        return
    with tarfile.open(file) as members:
        for member in members:
            inside = _inside(member.name)
            if inside and member.isfile():
                member.name = inside
                members.extract(member, folder, filter="data")


def _inside(name: str) -> str:
    """The path below the outermost folder."""
    return "/".join(PurePosixPath(name).parts[1:])
