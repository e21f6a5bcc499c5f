"""The report of an evaluation: Markdown, CSV and one HTML page."""

from .write import write_report

__all__ = ["write_report"]
