"""How good it is: the simulated expert, and what one simulated annotation measures."""
