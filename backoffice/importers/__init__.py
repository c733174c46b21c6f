"""Turns data sets of other systems into instructions, and holds our books against what they printed."""
