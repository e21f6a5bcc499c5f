"""Lets a cohort model say what it sees in a scan.

`heads` gives probabilities on the scan's own grid, `windows` slides the network over what is larger than it sees at
once. On top of these: `predicting` labels a scan that nobody painted, `looking` tells how far the network's outputs
agree on each plane, `starting_point` is where a predictor begins, and `continuing` makes the network ready to be
trained further on a single scan.
"""
