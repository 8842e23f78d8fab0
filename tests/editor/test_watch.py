"""Files that change are noticed."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from newsletter.editor.watch import changes, fingerprint


def test_what_is_written_made_or_removed_is_a_change(tmp_path: Path) -> None:
    folder, file = tmp_path / "templates", tmp_path / "me.toml"
    (folder / "deep").mkdir(parents=True)
    one = folder / "deep" / "one.txt"
    one.write_text("a")
    paths = [folder, file, tmp_path / "not-there"]
    seen = [fingerprint(paths)]
    assert fingerprint(paths) == seen[0]
    for change in (
        lambda: one.write_text("ab"),
        lambda: os.utime(one, ns=(1, 1)),
        lambda: (folder / "two.txt").write_text(""),
        lambda: file.write_text(""),
        one.unlink,
    ):
        change()
        seen.append(fingerprint(paths))
    assert len(set(seen)) == len(seen)


def test_every_look_tells_whether_something_changed(tmp_path: Path) -> None:
    file = tmp_path / "file"

    async def looked() -> list[bool]:
        found = []
        async for changed in changes(lambda: [file], fingerprint([file]), every=0):
            found.append(changed)
            if len(found) == 1:
                file.write_text("x")
            if len(found) == 3:
                return found
        return found

    # A thread of its own: a browser may be at work in this one, whose loop runs all the time.
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(asyncio.run, looked()).result() == [False, True, False]
