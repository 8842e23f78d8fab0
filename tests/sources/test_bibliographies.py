from __future__ import annotations

import codecs
import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.errors import NotADigestError
from tests.sources.bibliographies import FOLDER, KINDS, Kind, as_json, expected

DIGESTS = FOLDER.parent / "digest"
FILES = [(kind, name) for kind, each in KINDS.items() for name in each.files]
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
each_file = pytest.mark.parametrize(("kind", "name"), FILES, ids=[name for _, name in FILES])

PIECES = (
    b"{",
    b"}",
    b"{" * 40,
    b'"',
    b"\\",
    b"$",
    b"@article{",
    b"@string{a = a # a}",
    b",",
    b"\n",
    b"\r",
    b"\0",
    b"[",
    b"]" * 9,
    b"[" * 2000,
    b"NaN",
    b"1e999",
    b"9" * 5000,
    b'"\\ud800"',
    b"\\ud800",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"null",
    b"TY  - JOUR",
    b"ER  - ",
    b"\n   ",
    b'{"title": "x", "title": 1}',
    b"title",
    b";",
    b"\t",
    b"\xe2\x80\xae",
    b"<p",
    b"https://[",
    b"10.1000/\xff",
    b"99999-13-45",
    b" and " * 50,
    b"author = {,,,,}",
    b"date-parts",
    b"#",
    b"(" * 300,
)


def read(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


@each_file
def test_a_file_gives_the_papers_that_are_expected_of_it(kind: str, name: str) -> None:
    assert as_json(KINDS[kind].parse(read(name), where=name)) == expected(name)


@each_file
def test_a_format_is_recognised_by_its_own_parser_only(kind: str, name: str) -> None:
    assert [other for other, each in KINDS.items() if each.recognises(read(name))] == [kind]


@each_file
@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-16-le"])
def test_another_encoding_changes_nothing(kind: str, name: str, encoding: str) -> None:
    data = read(name).decode("utf-8-sig").encode(encoding)
    assert KINDS[kind].recognises(data)
    assert as_json(KINDS[kind].parse(data, where=name)) == expected(name)


@each_file
def test_windows_line_ends_change_nothing(kind: str, name: str) -> None:
    data = read(name).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    assert KINDS[kind].recognises(data)
    assert as_json(KINDS[kind].parse(data, where=name)) == expected(name)


@each_kind
def test_other_documents_are_not_recognised(kind: Kind) -> None:
    daily = [{"paper": {"id": "2508.10001", "title": "Dunes", "summary": "x", "authors": [{"name": "A B"}]}}]
    texts = [path.read_bytes() for path in sorted(DIGESTS.glob("*.txt"))]
    prose = (
        "A Tool for References\n\n" + "It writes\n" * 9 + "@article{key, title={x}}\n\ntitle, abstract\n\nTY  - JOUR\n"
    )
    others = [
        b"",
        b" \n",
        b"\x89PNG\r\n\x1a\n",
        b"%PDF-1.7",
        b"<html><title>x</title>",
        b"<rss><channel><title>a</title></channel></rss>",
        json.dumps(daily).encode(),
        json.dumps({"data": daily}).encode(),
        json.dumps({"papers": daily}).encode(),
        b"[]",
        b"{}",
        b"[1, 2]",
        b'{"title": 1',
        b'["title"]',
        b'{"version": "https://jsonfeed.org/version/1.1", "title": "x", "items": []}',
        b'{"text": "\\"paperId\\": 1, \\"title\\": 2"}',
        prose.encode(),
        b"title\nA title\nAnother",
        b"[A link](http://example.org)",
        codecs.BOM_UTF8,
        b"@" * 5000,
        b"\n" * 5000,
        b"TY  - JOUR" + b"\n" * 5000,
        b'"' + b'\\"' * 40_000,
    ]
    assert [data[:60] for data in [*texts, *others] if kind.recognises(data)] == []


@each_kind
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 50,
        b"<html><title>Log in</title></html>",
        b"\x89PNG\r\n",
        b"[" * 100_000,
        b'{"a": ',
        b"3",
        b"some text",
    ],
)
def test_other_bytes_are_refused_with_the_file_and_what_was_looked_for(kind: Kind, data: bytes) -> None:
    with pytest.raises(NotADigestError, match="the file") as caught:
        kind.parse(data, where="the file")
    assert "needed" in caught.value.hint
    assert caught.value.permanent


@pytest.mark.parametrize(("kind", "name"), [each for each in FILES if each[1] != "ponds.ris"])
def test_bad_entries_are_lost_alone_and_said(kind: str, name: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        KINDS[kind].parse(read(name), where=name)
    (message,) = caplog.messages
    assert message.startswith(f"{name}: ")
    assert "left out (entry " in message


def _mutated(data: bytes, edits: list[tuple[float, int, int]]) -> bytes:
    for place, cut, piece in edits:
        at = int(place * len(data))
        data = data[:at] + PIECES[piece % len(PIECES)] + data[at + cut :]
    return data


@settings(max_examples=600)
@given(
    st.sampled_from(FILES),
    st.sampled_from(sorted(KINDS)),
    st.booleans(),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 60), st.integers(0, 99)), max_size=8),
)
@example(("ris", "shelf.ris"), "ris", False, [(0.0, 2000, 9)])
def test_mutated_files_never_raise_anything_else(
    file: tuple[str, str], other: str, foreign: bool, edits: list[tuple[float, int, int]]
) -> None:
    kind = KINDS[other if foreign else file[0]]
    _holds(kind, _mutated(read(file[1]), edits))


@settings(max_examples=200)
@given(
    st.sampled_from(sorted(KINDS)), st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(PIECES)).map(b"".join))
)
def test_any_bytes_never_raise_anything_else(kind: str, data: bytes) -> None:
    _holds(KINDS[kind], data)


def _holds(kind: Kind, data: bytes) -> None:
    recognised = kind.recognises(data)
    assert recognised is kind.recognises(data)
    try:
        found = kind.parse(data, where="the file")
    except NotADigestError:
        return
    assert found == kind.parse(data, where="the file")
    for record in found.records:
        assert record.title
        assert not record.url or record.url.startswith(("http://", "https://"))
        assert record.published_at is None or record.published_at.tzinfo is not None
        for text in (record.title, record.abstract, record.url, record.doi, *record.authors, *record.categories):
            assert text == " ".join(text.split())
            text.encode()


def test_the_libraries_are_loaded_only_when_a_file_needs_them() -> None:
    code = (
        "import sys, newsletter.sources.bibtex, newsletter.sources.ris, newsletter.sources.tables;"
        "print(sorted({'bibtexparser', 'rispy', 'pylatexenc'} & set(sys.modules)))"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "[]"
