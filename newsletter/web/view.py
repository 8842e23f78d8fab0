"""`/view/{token}`: a subscriber's own issue in the browser, for whose mail program shows it badly or not at all."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from newsletter.errors import ExpiredError
from newsletter.letters import written
from newsletter.web.parts import Here

router = APIRouter()


@router.get("/view/{token}")
def show(here: Here, token: str) -> Response:
    """Show the edition with its reasons and its answers' links, in the look of the pages."""
    public_id, day, cadence = here.tokens.read_view(token, today=here.today())
    reader = here.store.choices.get(public_id)
    issue = next((one for one in here.store.issues.on(day) if one.cadence == cadence), None)
    edition = here.store.issues.editions(issue, [reader]).get(reader.key) if issue else None
    if edition is None:
        raise ExpiredError("this issue is not kept any more", hint="use the link of a newer mail")
    head = here.correspondence.newsletter.letterhead
    papers = here.store.papers.by_key(pick.paper_key for pick in edition.picks)
    considered = here.store.papers.count(edition.window)
    lines = written(here.store, head.writer, papers)
    view = head.view(edition, papers, head.links(edition), considered=considered, written=lines)
    direction = "rtl" if head.renderer.language(reader.language).right_to_left else "ltr"
    return here.pages.page("view", view=view, direction=direction)
