"""What all answers have in common."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

Share = Annotated[float, Field(ge=0, le=1)]
"""From 0 to 1."""
Name = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
"""An image_id, or the id of a cluster, which is the smallest image_id in it."""
Day = Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
"""As 2024-05-31, in universal time."""
Point = tuple[float, float]
"""x, y in pixels of the upright file, from the left and the top."""
Region = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels of the upright file: left, top, right, bottom."""
Relation = Literal["identical", "same", "contains", "contained", "overlap"]
Variant = Literal["plain", "mirror", "negative", "mirror-negative"]
LinkType = Literal["copy", "common"]
Verdict = Literal["confirmed", "rejected"]
ElementKind = Literal["frame", "mark", "picture", "part"]
DecisionKind = Literal["link", "together", "apart", "element", "checked", "label", "note"]


class Answer(JSONResponse):
    """JSON as it is: what the server made needn't be checked again each time."""

    def render(self, content: Any) -> bytes:
        return to_json(content, inf_nan_mode="null")


class Told(BaseModel):
    """A part of an answer; it has the fields that are described, and no other ones."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Refusal(Told):
    """Why there is no answer."""

    detail: str
    """What was wrong, where, and what to do, in one sentence: in French if Accept-Language says so."""


class Part(Told):
    """A part of a long list."""

    total: int
    """How many there are on all pages."""
    page: int
    """The number of this page, from 1."""
    pages: int
    """How many pages there are."""


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The answers with which an address may refuse, by their status, for the description of the API."""
    return {status: {"model": Refusal, "description": REFUSALS[status]} for status in sorted(statuses)}


REFUSALS = {
    400: "What was asked for has no sense, or can't be done; the sentence says why.",
    403: "The one who asks may not: a page of another site, or a name that isn't one of this machine.",
    404: "It isn't there.",
    409: "Another process works on the study.",
    411: "The request doesn't say how long it is.",
    413: "What was sent is too large.",
    422: "A parameter or the body isn't what the address takes.",
}
