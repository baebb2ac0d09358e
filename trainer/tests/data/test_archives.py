import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from sphynx_trainer.data import DatasetError, load_dataset
from sphynx_trainer.data.archives import Archive, download


def tar_archive(path: Path, names: list[str]) -> Archive:
    """A .tar.gz whose files hold their own names; returns how to fetch it."""
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = len(name)
            archive.addfile(entry, io.BytesIO(name.encode()))
    return Archive(path.as_uri(), "sha256", hashlib.sha256(path.read_bytes()).hexdigest())


def test_an_archive_is_unpacked_without_its_outermost_folder(tmp_path: Path) -> None:
    archive = tar_archive(tmp_path / "data.tar.gz", ["cifar/train.bin", "cifar/sub/note.txt"])
    download(archive, tmp_path / "out")
    assert (tmp_path / "out/train.bin").read_text() == "cifar/train.bin"
    assert (tmp_path / "out/sub/note.txt").is_file()
    assert not list((tmp_path / "out").glob("*.partial"))


def test_a_zip_is_unpacked_too(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        archive.writestr("tiny/wnids.txt", "n01")
    digest = hashlib.md5((tmp_path / "data.zip").read_bytes()).hexdigest()
    download(Archive((tmp_path / "data.zip").as_uri(), "md5", digest), tmp_path / "out")
    assert (tmp_path / "out/wnids.txt").read_text() == "n01"


def test_a_damaged_archive_is_refused_and_nothing_unpacked(tmp_path: Path) -> None:
    archive = tar_archive(tmp_path / "data.tar.gz", ["cifar/train.bin"])
    with (tmp_path / "data.tar.gz").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(DatasetError, match=f"expected sha256 {archive.digest}"):
        download(archive, tmp_path / "out")
    assert not (tmp_path / "out/train.bin").exists()


def test_an_entry_cannot_leave_the_folder(tmp_path: Path) -> None:
    archive = tar_archive(tmp_path / "data.tar.gz", ["cifar/../../outside.txt"])
    with pytest.raises(tarfile.OutsideDestinationError):
        download(archive, tmp_path / "deep/out")
    assert not list(tmp_path.rglob("outside.txt"))


def test_what_has_no_archive_is_not_downloaded(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no archive"):
        load_dataset("imagenet", tmp_path, fetch=True)
