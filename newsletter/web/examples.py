"""Papers that somebody names when they sign up: ids and links that they paste, or a bibliography that they upload.

Nothing of them is kept before the address is confirmed but in the request itself, which goes when it is not confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import TypeAdapter
from starlette.datastructures import FormData, UploadFile

from newsletter import bootstrap, libraries
from newsletter.config import SourceKind
from newsletter.errors import ProfileError, SourceError
from newsletter.model import PaperRecord
from newsletter.sources.lookup import listed
from newsletter.web.parts import Parts, text

MOST_IDS = 50  # half a minute of questions to arXiv, once the address is confirmed
MOST_RECORDS = 300
_LONGEST_ABSTRACT = 3000
# How BibTeX, RIS, EndNote, CSL-JSON, the XML of EndNote and PubMed, and PubMed's .nbib begin.
_BIBLIOGRAPHIES = ("@", "TY  -", "%0", "[", "{", "<?xml", "<xml", "PMID-")
_RECORDS = TypeAdapter(tuple[PaperRecord, ...])


@dataclass(frozen=True, slots=True)
class Examples:
    """What was named: ids (`arxiv:…`, `doi:…`), and papers that came with their titles."""

    ids: tuple[str, ...] = ()
    records: tuple[PaperRecord, ...] = ()

    def __len__(self) -> int:
        return len(self.ids) + len(self.records)

    def packed(self) -> dict[str, Any]:
        """Give them ready for JSON; {} where there are none."""
        return {"ids": list(self.ids), "records": _RECORDS.dump_python(self.records, mode="json")} if len(self) else {}

    @classmethod
    def unpacked(cls, packed: Mapping[str, Any]) -> Examples:
        """Give back what `packed` gave."""
        return cls(tuple(packed.get("ids", ())), _RECORDS.validate_python(packed.get("records", ())))


def pasted(form: FormData) -> tuple[str, ...]:
    """Give the ids that stand in the field, as far as it is a list of them; what a preview can know at once."""
    return listed(text(form, "examples").encode("utf-8", "replace"))[:MOST_IDS]


def costs(form: FormData) -> bool:
    """Tell whether there is a file, or more than a list of ids, to be parsed: that takes up to some seconds."""
    file, typed = form.get("file"), text(form, "examples").encode("utf-8", "replace")
    return (isinstance(file, UploadFile) and bool(file.size)) or (bool(typed.strip()) and not listed(typed))


def read(here: Parts, form: FormData) -> Examples:
    """Read the field and the file. Raises ProfileError: one of them cannot be read, or holds too much."""
    file = form.get("file")
    sent = file.file.read() if isinstance(file, UploadFile) else b""
    some = [_read(here, data) for data in (text(form, "examples").encode("utf-8", "replace"), sent) if data.strip()]
    found = Examples(
        tuple(dict.fromkeys(name for one in some for name in one.ids)),
        tuple(record for one in some for record in one.records),
    )
    if len(found.ids) > MOST_IDS or len(found.records) > MOST_RECORDS:
        raise ProfileError(
            f"that is {len(found)} papers",
            hint=f"here up to {MOST_IDS} ids, or {MOST_RECORDS} papers in a file; your preferences take more",
        )
    return found


def keep(here: Parts, public_id: str, named: Examples) -> None:
    """Remember examples as papers that a subscriber likes; what is not known is looked up. Raises NewsletterError."""
    reader, now = here.store.choices.get(public_id), here.now()
    known = here.store.papers.keys(named.ids)
    ids = [*known, *here.store.papers.keep(named.records, now=now)]
    here.store.subscribers.like(reader.email, ids, now=now)
    if unknown := [name for name in named.ids if name not in known]:
        found = libraries.keep(here.store, (), [bootstrap.looked_up(here.settings, unknown)], now=now)
        here.store.subscribers.like(reader.email, found, now=now)


def _read(here: Parts, data: bytes) -> Examples:
    if ids := listed(data):
        return Examples(ids)
    if not data.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(tuple(mark.encode() for mark in _BIBLIOGRAPHIES)):
        first = next(
            line for line in data.decode("utf-8", "replace").splitlines() if line.strip() and not listed(line.encode())
        )
        raise ProfileError(
            f"“{first.strip()[:60]}” names no paper",
            hint="one arXiv id, DOI or link a line, or a BibTeX, RIS or EndNote file",
        )
    with TemporaryDirectory(prefix="newsletter-") as folder:
        path = Path(folder) / "examples"
        path.write_bytes(data)
        try:
            records = libraries.read(bootstrap.files(here.settings, [path], SourceKind.AUTO), now=here.now())
        except SourceError as error:
            raise ProfileError(error.message.replace(str(path), "what you sent")) from error
    return Examples((), tuple(_short(record) for record in records))


def _short(record: PaperRecord) -> PaperRecord:
    return replace(record, abstract=record.abstract[:_LONGEST_ABSTRACT], authors=record.authors[:50])
