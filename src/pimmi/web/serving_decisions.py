"""Addresses under /api by which a person decides, and takes decisions back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Body, FastAPI, Query
from pydantic import BaseModel, Field, model_validator

from pimmi.decisions.model import CONFIRMED, KINDS, REJECTED, Decision
from pimmi.web.answers.model import Answer, refusals
from pimmi.web.answers.study import DecisionsTold, Outcome
from pimmi.web.asking import image_rank
from pimmi.web.library import Library, State

PAIRS = {"link", "together", "apart"}


class MarkAsked(BaseModel):
    """Whether the element that shows a region (left, top, right, bottom, in pixels of the file) is common."""

    region: tuple[float, float, float, float]
    common: bool


class DecisionAsked(BaseModel):
    """One decision of an act."""

    kind: Literal["link", "together", "apart", "element", "checked", "label", "note"] = Field(
        description="; ".join(f"{kind}: {meaning}" for kind, meaning in KINDS.items()) + "."
    )
    first: str = Field(description="The image_id of the image that it is about.", max_length=32)
    second: str = Field(
        default="", description="Another image_id; empty for kinds about one image.", max_length=32
    )
    value: str = Field(
        default="yes",
        description='confirmed or rejected for a link; {"region": [x0, y0, x1, y1], "common": true} for an element; '
        "a text; empty takes back.",
        max_length=4000,
    )

    @model_validator(mode="after")
    def _has_sense(self) -> DecisionAsked:
        if (self.kind in PAIRS) != bool(self.second) or self.first == self.second:
            raise ValueError(f"{self.kind} is about {'two images' if self.kind in PAIRS else 'one image'}")
        if self.kind == "element" and self.value:
            MarkAsked.model_validate_json(self.value)
        elif self.kind == "link" and self.value not in (CONFIRMED, REJECTED, ""):
            raise ValueError(f"a link is {CONFIRMED} or {REJECTED}")
        elif self.kind in {"together", "apart", "checked"} and self.value not in ("yes", ""):
            raise ValueError("the value is yes, or empty")
        return self


def add_decisions(app: FastAPI, library: Library) -> None:
    """Add what changes the decisions of a study."""

    @app.get("/api/decisions", summary="What was decided, the last first", response_model=DecisionsTold)
    def decisions(
        limit: Annotated[int, Query(ge=1, le=1000, description="Decisions, at most.")] = 50,
    ) -> Answer:
        rows = library.decided()
        return Answer({"total": len(rows), "decisions": [_shown(row) for row in rows[:limit]]})

    @app.post(
        "/api/decisions",
        summary="Decide: one act, which is undone as a whole; applied at once",
        response_model=Outcome,
        responses=refusals(404, 409, 411, 413),
    )
    def decide(
        decisions: Annotated[list[DecisionAsked], Body(min_length=1, max_length=10_000)],
    ) -> Answer:
        for one in decisions:
            for name in (one.first, one.second) if one.second else (one.first,):
                image_rank(library.state, name)
        done = library.decide([(one.kind, one.first, one.second, one.value) for one in decisions])
        return Answer(_outcome(library.state, done))

    @app.post(
        "/api/decisions/undo",
        summary="Take the last act back",
        response_model=Outcome,
        responses=refusals(409, 411, 413),
    )
    def undo() -> Answer:
        undone = library.undo()
        return Answer(_outcome(library.state, undone))


def _shown(row: Decision) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("act", "kind", "first", "second", "value", "decided_at")}


def _outcome(state: State, rows: list[Decision]) -> dict[str, Any]:
    """The decisions, and the clusters in which the images that they name are now."""
    held = {}
    for name in sorted({name for row in rows for name in (row.first, row.second) if name}):
        rank = state.clusters.rank(name)
        number = -1 if rank is None else int(state.clusters.cluster[rank])
        held[name] = state.clusters.name(number) if number >= 0 else None
    return {"decisions": [_shown(row) for row in rows], "clusters": held}
