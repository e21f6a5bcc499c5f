"""Pretrained weights: `sources` knows where they come from, `weights` where they are kept and how they get there.

Nothing is downloaded unless somebody asks for it, and what is read is checked first.
"""
