"""The slice strip: a bar a plane along the annotation axis, to look at, click, drag and ask.

Who lives here
    model : what is shown, and where: window, bars, marks; numbers only, neither Qt nor pixels drawn
    lanes : the range of each of several structures, as thin lines
    painter : draws it; shapes tell states apart, colours only help
    widget, texts : the Qt widget: mouse, keyboard, menu, what hovering says; states in words

What may be imported: `session.planes` for the states of planes, and Qt in painter and widget. The strip decides
nothing: it calls back with planes and states, and is told what to show by `panel.strip`.
"""
