"""An annotation that nobody painted: the expert is simulated by a reference segmentation.

`loading` brings a case into memory, `expert` paints what it is asked to, `effort` is what that costs, `simulation`
does one annotation and measures it, `rounds` does several until it is good enough (Zhang 2019), and `baseline` is
given all planes (Payer 2023).
"""
