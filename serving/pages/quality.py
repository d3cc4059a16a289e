"""The page of a model's quality: metrics, thresholds and costs, curves, importances, rows."""

from __future__ import annotations

from typing import Any

from serving.pages.about import about
from serving.pages.beside import NONE, beside, named
from serving.pages.choices import choices_of
from serving.pages.confusion import confusion_section
from serving.pages.curve_pictures import curves_section
from serving.pages.dependence import dependence_section
from serving.pages.importances import importances_section
from serving.pages.look import Look
from serving.pages.metrics import metrics_section
from serving.pages.page import Page, Visit
from serving.pages.residuals import residuals_section
from serving.pages.sections import Section
from serving.pages.subject import subject_of
from serving.pages.threshold import threshold_section
from serving.pages.wrong_rows import rows_section

# In the order of the page; one that the version has nothing for is left out.
SECTIONS = (
    metrics_section,
    threshold_section,
    confusion_section,
    residuals_section,
    curves_section,
    importances_section,
    dependence_section,
    rows_section,
)


def sections_of(look: Look) -> list[Section]:
    """Return what is said of a version's quality."""
    return [found for make in SECTIONS if (found := make(look)) is not None]


def _context(visit: Visit) -> dict[str, Any]:
    choices = choices_of(visit.query)
    other = beside(visit, choices.beside)
    look = Look(subject_of(visit.live), visit.words, choices, other.subject)
    offered = [(NONE, visit.words("beside_none"))]
    offered += [(found.version, named(visit, found)) for found in other.versions]
    return {
        "about": about(visit),
        "sections": sections_of(look),
        "versions": offered if other.versions else [],
        "chosen": other.chosen,
        "unread": other.unread,
        "choices": choices,
        "drawable": look.subject.quality is not None,
    }


PAGE = Page("/models/<name>/quality", "quality.html", _context, "quality")
