from __future__ import annotations

import logging
from datetime import UTC, date, datetime
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from newsletter.errors import NotADigestError, SourceError
from newsletter.model import Announce, Digest
from newsletter.sources import feed

ATOM = "http://www.w3.org/2005/Atom"


def parse(text: str | bytes) -> Digest:
    return feed.parse(text.encode() if isinstance(text, str) else text, where="the feed")


def arxiv_item(number: str, kind: str, creators: str = "Ann Marsh, Bo Lin (Coast Lab, Kiel), Cy Reed") -> str:
    return f"""<item><title>On $n&lt;m$ Dunes {number}</title><link>https://arxiv.org/abs/{number}</link>
      <description>arXiv:{number}v1 Announce Type: {kind} \nAbstract: when $n&lt;m$ and k&lt;p they sing.</description>
      <guid isPermaLink="false">oai:arXiv.org:{number}v1</guid><category>cs.CL</category><category>cs.AI</category>
      <pubDate>Fri, 15 Aug 2025 00:00:00 -0400</pubDate><arxiv:announce_type>{kind}</arxiv:announce_type>
      <dc:creator>{creators}</dc:creator></item>"""


def arxiv_rss(*items: str) -> str:
    return f"""<?xml version='1.0' encoding='UTF-8'?>
    <rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0"><channel>
    <title>cs.CL updates on arXiv.org</title><link>http://rss.arxiv.org/rss/cs.CL</link><description>d</description>
    <pubDate>Fri, 15 Aug 2025 00:00:00 -0400</pubDate><skipDays><day>Sunday</day><day>Saturday</day></skipDays>
    {"".join(items)}</channel></rss>"""


def atom(entries: str, title: str = "A Journal") -> str:
    return (
        f'<feed xmlns="{ATOM}"><title>{title}</title><id>x</id><updated>2025-01-01T00:00:00Z</updated>{entries}</feed>'
    )


def test_arxiv_rss_gives_new_papers_and_cross_lists_but_no_replacements() -> None:
    kinds = ("new", "cross", "replace", "replace-cross", "brand-new-word")
    items = [arxiv_item(f"2508.1000{i}", kind) for i, kind in enumerate(kinds)]
    found = parse(arxiv_rss(*items))
    assert [record.arxiv_id for record in found.records] == ["2508.10000", "2508.10001", "2508.10004"]
    assert [record.announce for record in found.records] == [Announce.NEW, Announce.CROSS, Announce.NEW]
    assert found.title == "cs.CL updates on arXiv.org"
    assert found.day == date(2025, 8, 15)


def test_an_arxiv_item_keeps_its_formulas_and_loses_its_prefix() -> None:
    (record,) = parse(arxiv_rss(arxiv_item("2508.10000", "new"))).records
    assert record.title == "On n<m Dunes 2508.10000"
    assert record.abstract == "when n<m and k<p they sing."
    assert record.authors == ("Ann Marsh", "Bo Lin", "Cy Reed")
    assert record.categories == ("cs.CL", "cs.AI")
    assert record.url == "https://arxiv.org/abs/2508.10000"
    assert record.published_at == datetime(2025, 8, 15, 4, tzinfo=UTC)


def test_a_feed_without_entries_is_a_day_without_papers() -> None:
    assert parse(arxiv_rss()).records == ()


def test_biorxiv_names_are_split_and_the_doi_found() -> None:
    text = """<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
      xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:prism="http://purl.org/rss/1.0/modules/prism/">
      <channel rdf:about="http://biorxiv.org"><title>bioRxiv</title><link>http://biorxiv.org</link></channel>
      <item rdf:about="http://biorxiv.org/cgi/content/short/1v1"><title><![CDATA[ On Cells ]]></title>
      <link> http://biorxiv.org/cgi/content/short/1v1 </link>
      <description><![CDATA[ Cells <i>move</i> when p<0.05. ]]></description>
      <dc:creator><![CDATA[ Kukla, D., Crampton, A. ]]></dc:creator><dc:date>2019-11-29</dc:date>
      <dc:identifier>doi:10.1101/857789</dc:identifier></item></rdf:RDF>"""
    (record,) = parse(text).records
    assert record.title == "On Cells"
    assert record.abstract == "Cells move when p<0.05."
    assert record.authors == ("D. Kukla", "A. Crampton")
    assert record.doi == "10.1101/857789"
    assert record.url == "http://biorxiv.org/cgi/content/short/1v1"


def test_a_journal_entry_prefers_the_longer_text_and_drops_scripts() -> None:
    entry = f"""<entry><id>tag:x,1</id><title type="html">{escape("<b>Sand</b> &amp; Wind")}</title>
      <link href="javascript:alert(1)"/><updated>2025-08-20T10:00:00+02:00</updated>
      <summary>Teaser.</summary><content type="html">{escape("<p>Abstract: A long text.</p><script>x()</script>")}
      </content><author><name>Marsh, Ann; Lin, Bo</name></author></entry>"""
    (record,) = parse(atom(entry)).records
    assert record.title == "Sand & Wind"
    assert record.abstract == "A long text."
    assert record.authors == ("Ann Marsh", "Bo Lin")
    assert record.url == ""
    assert record.published_at == datetime(2025, 8, 20, 8, tzinfo=UTC)


def test_the_arxiv_api_reports_errors_as_an_entry_and_we_as_an_error() -> None:
    entry = "<entry><id>http://arxiv.org/api/errors#bad</id><title>Error</title><summary>incorrect id</summary></entry>"
    with pytest.raises(SourceError, match="incorrect id"):
        parse(atom(entry))


def test_an_rss_feed_that_reports_an_error_is_an_error() -> None:
    text = '<rss version="2.0"><channel><title>Feed error for query "cs.XX"</title></channel></rss>'
    with pytest.raises(SourceError, match="Feed error"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head></html>", "502 Bad Gateway"),
        ("<html><body>Please log in</body></html>", "HTML page"),
        ("<opml version='2.0'/>", "<opml>"),
        ('{"a": 1}', "JSON"),
        ("Not Found", "text of another kind"),
        ("", "empty"),
        ("<rss><channel><title>cut o", "broken feed"),
        ('<?xml version="1.0" encoding="undefined"?><rss version="2.0"><channel/></rss>', "the feed"),
    ],
)
def test_what_is_no_feed_is_refused_with_what_it_is(text: str, what: str) -> None:
    with pytest.raises(NotADigestError) as caught:
        parse(text)
    assert "the feed" in caught.value.message
    assert what in caught.value.message


def test_a_feed_cut_off_in_the_middle_gives_what_is_there_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    text = arxiv_rss(arxiv_item("2508.10000", "new"))
    with caplog.at_level(logging.WARNING):
        found = parse(text[: text.index("</channel>")])
    assert len(found.records) == 1
    assert "not well-formed" in caplog.text


@pytest.mark.parametrize(
    "data", [b"", b"\0\xff", b"<rss>&#xD800;</rss>", b'<?xml version="1.0" encoding="punycode"?><rss/>']
)
def test_bytes_over_which_feedparser_fails_are_refused(data: bytes) -> None:
    with pytest.raises(NotADigestError, match="the feed"):
        parse(data)


@pytest.mark.shared_data
def test_real_feeds_are_read(shared: Path) -> None:
    data = shared / "data"
    assert len(parse((data / "arxiv" / "api" / "arxiv_response.xml").read_bytes()).records) == 2
    assert parse((data / "arxiv" / "api" / "arxiv_empty.xml").read_bytes()).records == ()
    (record,) = parse((data / "feeds" / "biorxiv.rdf").read_bytes()).records
    assert record.authors == ("D. Kukla", "A. Crampton", "D. Wood", "S. Khetani")
    assert record.doi == "10.1101/857789"


RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
  xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
  xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/"><channel rdf:about="https://d.example/">
  <title>Dune Letters</title><link>https://d.example/</link></channel>{}</rdf:RDF>"""


def rdf(*items: str) -> Digest:
    return parse(
        RDF.format("".join(f'<item rdf:about="https://d.example/{i}">{x}</item>' for i, x in enumerate(items)))
    )


def test_an_entry_with_content_alone_gives_its_words_and_not_its_markup() -> None:
    content = escape(
        '<p>Dune Letters, Published online: 28 July 2025; <a href="x">doi:10.5555/d.1</a></p>Dunes <i>sing</i>.'
    )
    (record,) = rdf(f"<title>On dunes</title><content:encoded>{content}</content:encoded>").records
    assert record.abstract == "Dunes sing."
    assert record.doi == "10.5555/d.1"
    entry = f'<entry><title>On dunes</title><content type="html">{escape("<p>They <b>sing</b>.</p>")}</content></entry>'
    assert parse(atom(entry)).records[0].abstract == "They sing."


def test_an_element_authors_costs_no_feed() -> None:
    items = (
        "<item><title>On dunes</title><authors>Ann Marsh;Bo Lin;</authors></item>"
        "<item><title>On drifts</title><authors></authors></item>"
        "<item><title>On sand</title><authors>Cy Reed, Bo Lin</authors></item>"
    )
    records = parse(f'<rss version="2.0"><channel><title>t</title>{items}</channel></rss>').records
    assert [record.authors for record in records] == [("Ann Marsh", "Bo Lin"), (), ("Cy Reed", "Bo Lin")]


def test_creators_in_elements_of_their_own_may_have_the_family_name_first() -> None:
    names = ("Marsh, Ann Beth", "de Lin, Bo C.D.", "Reed, Cy")
    creators = "".join(f"<dc:creator>{name}</dc:creator>" for name in names)
    (record,) = rdf(f"<title>On dunes</title>{creators}").records
    assert record.authors == ("Ann Beth Marsh", "Bo C.D. de Lin", "Cy Reed")


def test_authors_and_doi_may_stand_in_the_description_alone() -> None:
    page = escape(
        "<p>Dunes 10: 1-5</p><p>DOI: 10.5555/Dune.7</p><p>Authors: Ann Marsh, Bo Lin</p><p>Abstract: They sing.</p>"
    )
    (record,) = rdf(f"<title>On dunes</title><description>{page}</description>").records
    assert (record.authors, record.doi, record.abstract) == (("Ann Marsh", "Bo Lin"), "10.5555/dune.7", "They sing.")
    assert record.published_at is None
    dated = escape("<p>Publication date: Available online 3 March 2025</p><p>Author(s): Ann Marsh</p>")
    (record,) = rdf(f"<title>On dunes</title><description>{dated}</description>").records
    assert record.published_at == datetime(2025, 3, 3, tzinfo=UTC)


def test_arxivs_old_feeds_say_behind_the_title_what_an_entry_is() -> None:
    titles = (
        "Dunes sing. (arXiv:1903.00489v1 [cs.SD])",
        "Drifts hum. (arXiv:1903.00490v2 [cs.SD] UPDATED)",
        "Sand sighs. (arXiv:1903.00491v1 [math.OC] CROSS LISTED)",
    )
    items = [f"<title>{t}</title><link>http://arxiv.org/abs/1903.0049{i}</link>" for i, t in enumerate(titles)]
    first, second = rdf(*items).records
    assert (first.title, first.categories, first.announce) == ("Dunes sing", ("cs.SD",), Announce.NEW)
    assert (second.title, second.announce) == ("Sand sighs", Announce.CROSS)


def test_errata_and_parts_of_an_issue_are_left_out_of_a_feed(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("WARNING"):
        found = rdf("<title>Editorial Board</title>", "<title>On dunes</title>", "<title>Erratum: On drifts</title>")
    assert [record.title for record in found.records] == ["On dunes"]
    assert not caplog.records
    assert rdf("<title>Table of Contents</title>").records == ()
    on_arxiv = "<title>Erratum: On drifts</title><link>https://arxiv.org/abs/2508.10000</link>"
    assert len(rdf(on_arxiv).records) == 1


def test_a_doi_in_a_link_ends_where_the_address_goes_on() -> None:
    links = (
        "https://d.example/article/10.5555/dune.7?TRACK=RSS",
        "https://d.example/articles/10.5555/dune.7/full",
        "https://d.example/doi/full/10.5555%2Fdune.7#abs",
    )
    for link in links:
        (record,) = rdf(f"<title>On dunes</title><link>{link}</link>").records
        assert record.doi == "10.5555/dune.7"
    (record,) = rdf(
        "<title>On dunes</title><link>https://b.example/content/10.1101/2025.08.01.671234v2.full</link>"
    ).records
    assert record.doi == "10.1101/2025.08.01.671234"


def test_sections_and_formulas_of_jats_leave_no_tags() -> None:
    page = escape(
        "<sec><title>Results</title><p>They do (<italic>p</italic> &lt; 0.05).</p></sec><inline-formula>"
        '<tex-math notation="LaTeX">$k$</tex-math></inline-formula> <img src="d.png" width="2" height=\\"1\\"> dunes.'
    )
    (record,) = rdf(f"<title>On dunes</title><description>{page}</description>").records
    assert record.abstract == "Results They do (p < 0.05). k dunes."


def test_a_feed_whose_entities_explode_is_refused() -> None:
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 9))
    bomb = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY e0 "{"x" * 1000}">{entities}]>'
    with pytest.raises(NotADigestError, match="entities"):
        parse(f'{bomb}<rss version="2.0"><channel><title>t</title><item><title>&e8;</title></item></channel></rss>')


def test_an_endless_title_costs_its_entry_alone() -> None:
    found = rdf(f"<title>{'dune ' * 100_000}</title>", "<title>On dunes</title>")
    assert [record.title for record in found.records] == ["On dunes"]


def test_a_title_of_plain_text_is_decoded_once() -> None:
    (record,) = parse(atom("<entry><title>When $a&lt;b&gt;c$, &amp;lt; is a token</title></entry>")).records
    assert record.title == "When a<b>c, &lt; is a token"
