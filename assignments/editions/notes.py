"""What the instructor's edition says beside the tasks: known mistakes, and rubrics for prose."""

from collections.abc import Mapping
from typing import Any

from ..source import Mistake, Source


def note(source: Source, grade_id: str) -> str:
    """Markdown for the cell behind a task, a check or a prose answer; empty where there is none."""
    mistakes = [mistake for mistake in source.mistakes if mistake.task == grade_id]
    if mistakes:
        return _mistakes(mistakes)
    for entry in source.rubric:
        if entry["question"] == grade_id:
            return _rubric(entry)
    for check in source.checks:
        if check.id == grade_id:
            needs = f", with the answers {', '.join(check.needs)}" if check.needs else ""
            return f"*{check.id}: {check.points} points for {check.task}{needs}.*"
    return ""


def _mistakes(mistakes: list[Mistake]) -> str:
    rows = [f"- **{one.name}**. {one.sentence}{_earned(one)}" for one in mistakes]
    return "\n".join(["**Mistakes that the grader recognises here**", "", *rows])


def _earned(mistake: Mistake) -> str:
    if not mistake.points:
        return ""
    parts = [f"{points} for {part}" for part, points in mistake.points.items()]
    return f" *It still earns {', '.join(parts)}.*"


def _rubric(entry: Mapping[str, Any]) -> str:
    rows = [f"**Rubric, {entry['points']} points**", "", "| Criterion | Points | Anchor |"]
    rows.append("|---|---|---|")
    for criterion in entry["criteria"]:
        anchors = sorted(criterion["anchors"].items(), key=lambda pair: -float(pair[0]))
        names = [criterion["name"]] + [""] * (len(anchors) - 1)
        for name, (points, anchor) in zip(names, anchors, strict=True):
            rows.append(f"| {name} | {points} | {_cell(anchor)} |")
    return "\n".join(rows)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")
