"""Corpora of images that are easily taken for copies of each other, and of groups that are hard to find."""
