"""The study of Zhang 2019: planes that a network asks for, round after round, against other ways to choose them.

`plan` says which ways, how much is painted and on which scans; `asking` chooses planes; `study` trains and tests, each
network once; `measures` looks at a scan plane by plane. Of the `results`, `report` makes tables, `claims` says what of
the paper's was seen, and `figures` makes pictures.
"""
