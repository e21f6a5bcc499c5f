"""The report of an evaluation: Markdown, CSV and one HTML page.

`write` begins; `results` puts the rows of a store in order; `tables`, `costs`, `comparisons`, `figures`, `pictures`
and `expected` are its parts, `content` their order, `document` what they are made of, and `as_html`, `as_markdown` and
`as_csv` how they are written.
"""

from .write import write_report

__all__ = ["write_report"]
