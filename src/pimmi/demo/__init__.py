"""Corpora with known copies, to see what pimmi finds."""
