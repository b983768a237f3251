"""The page of feedback that one student gets: points by part, and what would have earned more."""

from ..pages import page
from .grades import Grade

STATUSES = {
    "right": "right",
    "mistake": "a known mistake",
    "wrong": "not right",
    "missing": "missing",
    "error": "stopped with an error",
    "time": "took too long",
    "memory": "took too much memory",
    "died": "ended before it had a result",
    "to mark": "not marked yet",
    "marked": "marked",
}


def feedback_page(grade: Grade, title: str) -> str:
    """The page as HTML; `title` is the assignment's."""
    share = 100 * min(1.0, grade.total / grade.of) if grade.of else 0
    return page("feedback.html", grade=grade, title=title, share=share, statuses=STATUSES)
