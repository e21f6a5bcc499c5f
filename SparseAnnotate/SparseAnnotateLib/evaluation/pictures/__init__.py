"""One picture that says what was painted, what was predicted and how good it is.

`picture` is what is shown, `chart` the sheet it is drawn on, with OpenCV.
"""
