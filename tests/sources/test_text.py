from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.sources.text import decode, from_html, http_url, paragraphs, plain, split_authors


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  a\u00a0b\r\n\tc  ", "a b c"),
        ("e\u0301tude", "étude"),
        ("a\u200bb\u2060c\ufeff", "abc"),
        ("pay \u202eevil\u202c \u2066x\u2069", "pay evil x"),
        ("nul\x00 bell\x07 \x1b[31mred", "nul bell [31mred"),
        ("half \ud800 a pair", "half a pair"),
        ("soft\u00adhyphen", "softhyphen"),
        ("x\u200dy", "xy"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d🔬", "👩\u200d🔬"),
    ],
)
def test_plain_text_has_one_line_and_nothing_invisible(text: str, expected: str) -> None:
    assert plain(text) == expected


@given(st.text())
def test_plain_text_stays_as_it_is_when_made_plain_again(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("“naïve”".encode(), "“naïve”"),
        ("“naïve”".encode("utf-8-sig"), "“naïve”"),
        ("“naïve”".encode("utf-16"), "“naïve”"),
        ("“naïve” text".encode("utf-16-be"), "“naïve” text"),
        ("“naïve” text".encode("utf-16-le"), "“naïve” text"),
        ("“naïve”".encode("utf-32"), "“naïve”"),
        ("“naïve”".encode("cp1252"), "“naïve”"),
        ("café".encode("latin-1"), "café"),
        ("éèü".encode() + b"\xff", "éèü\ufffd"),
        (b"", ""),
    ],
)
def test_bytes_are_decoded_by_mark_zeros_or_content(data: bytes, expected: str) -> None:
    assert decode(data) == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("when $n<m$ and k<p", "when $n<m$ and k<p"),
        ("when $n&lt;m$ and k&lt;p", "when $n<m$ and k<p"),
        ("if a<b and c>d", "if a<b and c>d"),
        ("the <think> and </think> tokens", "the <think> and </think> tokens"),
        ("<p>One.</p><p>Two.<br/>Three</p>", "One. Two. Three"),
        ("H<sub>2</sub>O", "H2O"),
        ("x<script>alert('<b>')</script>y<style>p{}</style>z", "xyz"),
        ("a<!-- hidden -->b", "a b"),
        ("a<!-- never closed", "a"),
        ("<jats:p>On <jats:italic>E. coli</jats:italic></jats:p>", "On E. coli"),
        ("R&amp;D &#8212; &eacute;t&eacute;", "R&D — été"),
        ('<a href="https://x.org/?a=1&amp;b=2">link</a>', "link"),
        ("<![CDATA[text]]>", "text"),
        ("5 < 6 &lt;b&gt;", "5 < 6 <b>"),
    ],
)
def test_html_loses_its_tags_and_nothing_else(html: str, expected: str) -> None:
    assert from_html(html) == expected


@given(st.text(alphabet="<>/!-ap b&;\"'=$", max_size=60))
def test_html_of_any_kind_becomes_text(html: str) -> None:
    assert from_html(html) == plain(from_html(html))


@pytest.mark.parametrize("piece", ["<p ", "<!--", '<p a="', "<", "<script>", "&lt;", "</", "<a b=c "])
def test_hostile_html_takes_no_time(piece: str) -> None:
    before = time.process_time()
    from_html(piece * 50_000)
    assert time.process_time() - before < 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://arxiv.org/abs/2508.10433", "https://arxiv.org/abs/2508.10433"),
        (" http://x.org ", "http://x.org"),
        ('https://x.org/a"<b>', "https://x.org/a%22%3Cb%3E"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("ftp://x.org/", ""),
        ("//x.org/", ""),
        ("https://", ""),
        ("https://user:word@x.org/", ""),
        ("https://x.org/\u202egnp.exe", ""),
        ("https://x .org/", ""),
        ("http://[::1", ""),
        ("http://x.org:99999/", ""),
        ("https://x.org/" + "a" * 3000, ""),
    ],
)
def test_only_http_links_with_a_host_are_links(text: str, expected: str) -> None:
    assert http_url(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ann Marsh, Bo Lin (Coast Lab (West), Kiel), Cy Reed", ("Ann Marsh", "Bo Lin", "Cy Reed")),
        ("Ann Marsh, Bo Lin and Cy Reed", ("Ann Marsh", "Bo Lin", "Cy Reed")),
        ("Ann Marsh, Bo Lin, and Cy Reed", ("Ann Marsh", "Bo Lin", "Cy Reed")),
        ("Kukla, D., Crampton, A., Wood, D. J., Khetani, S.", ("D. Kukla", "A. Crampton", "D. J. Wood", "S. Khetani")),
        ("Kukla, Dora; Wood, David", ("Dora Kukla", "David Wood")),
        ("Kukla, Dora and Wood, David", ("Dora Kukla", "David Wood")),
        ("Lovelace, Ada", ("Ada Lovelace",)),
        ("John Smith, Jr., Jane Roe", ("John Smith Jr.", "Jane Roe")),
        ("By Anderson Rand and Sandra Ander", ("Anderson Rand", "Sandra Ander")),
        ("Qwen Team", ("Qwen Team",)),
        ("Ann Marsh, Ann Marsh", ("Ann Marsh",)),
        (" , ; ", ()),
        ("", ()),
    ],
)
def test_author_strings_are_split_into_names(text: str, expected: tuple[str, ...]) -> None:
    assert split_authors(text) == expected


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 3000))
def test_long_author_lists_keep_every_name(count: int) -> None:
    names = tuple(f"Given{i} Family{i}" for i in range(count))
    assert split_authors(", ".join(names)) == names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Marsh A, Lin BC, van der Reed C.", ("A Marsh", "BC Lin", "C. van der Reed")),
        ("Marsh A.; Lin B. C.", ("A. Marsh", "B. C. Lin")),
        ("Marsh A, Lin B, et al.", ("A Marsh", "B Lin")),
        ("Ann Marsh et.al.", ("Ann Marsh",)),
        ("Ann Marsh, Bo Lin and 12 others", ("Ann Marsh", "Bo Lin")),
        ("Deepak P", ("Deepak P",)),
        (
            "Marsh, A. B., van der Lin, C., O'Reed, D., Dune Watch",
            ("A. B. Marsh", "C. van der Lin", "D. O'Reed", "Dune Watch"),
        ),
        ("Marsh-Lin, Ann P.", ("Ann P. Marsh-Lin",)),
        ("de Marsh, Ann dos S.", ("Ann dos S. de Marsh",)),
        ("Ann Marsh, Bo C. Lin", ("Ann Marsh", "Bo C. Lin")),
        ("A Marsh, B Lin, C Reed", ("A Marsh", "B Lin", "C Reed")),
    ],
)
def test_names_are_read_in_the_order_of_speech_however_a_list_has_them(text: str, expected: tuple[str, ...]) -> None:
    assert split_authors(text) == expected


@pytest.mark.parametrize("text", ["a" * 200_000 + ", b", "," * 200_000, "a, " * 60_000, "A. " * 60_000 + "b, c"])
def test_endless_names_take_no_endless_time(text: str) -> None:
    started = time.monotonic()
    split_authors(text)
    assert time.monotonic() - started < 5


def test_paragraphs_end_where_a_reader_sees_them_end() -> None:
    page = "<div>One<br/>two</div><p>three <i>and</i>\nfour</p><ul><li>five</ul>"
    assert paragraphs(page) == ["One", "two", "three and four", "five"]
    assert paragraphs("plain &amp; simple\ntext") == ["plain & simple text"]
