"""One task of the grid, done where a case is loaded: `bench` selects, paints, predicts and measures.

`selecting` makes each selection and each matrix of planes only once, `shown` keeps a few planes for the report, `gpu`
lets one task at a time onto a GPU, `stopwatch` measures.
"""
