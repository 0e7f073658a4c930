"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import time

import pytest

from neurocomp.files import STALE_S, remove_stale, whole_file, write_whole


def test_what_is_written_replaces_what_was_there_with_the_permissions_of_a_new_file(tmp_path):
    path, plain = tmp_path / "a.json", tmp_path / "plain"
    plain.touch()
    for content in ("old", b"new"):
        write_whole(path, content)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode == plain.stat().st_mode
    assert sorted(os.listdir(tmp_path)) == ["a.json", "plain"]


def test_an_interrupted_writer_leaves_nothing_behind(tmp_path):
    path = tmp_path / "a.json"
    write_whole(path, "old")
    with pytest.raises(KeyboardInterrupt), whole_file(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.json"]


@pytest.mark.parametrize("name", [".", "/", "missing/a.json"])
def test_what_cannot_be_written_is_an_error_of_the_system(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError):
        write_whole(tmp_path / name, "text")
    assert os.listdir(tmp_path) == []


def test_what_killed_writers_left_goes_after_a_day_and_nothing_else(tmp_path):
    old = time.time() - STALE_S - 60
    left, ours, theirs = (tmp_path / name for name in (".a.json.12-34.part", ".a.json.56-78.part", ".b.part"))
    with whole_file(tmp_path / "a.json") as temporary:
        for path in (left, ours, theirs, temporary):
            path.write_text("half")
        for path in (left, theirs):
            os.utime(path, (old, old))
        remove_stale(tmp_path)
        assert temporary.exists() and ours.exists() and theirs.exists() and not left.exists()
    remove_stale(tmp_path / "missing")
