"""`cover`: planes that serve every structure over its own range.

`selector` chooses and says why, `coverage` holds what is lost in a gap and the planes with which least is lost,
`extents` where each structure lies, `difficulty` what a prediction expects of the gaps between painted planes.
"""

from .selector import CoverSelector

__all__ = ["CoverSelector"]
