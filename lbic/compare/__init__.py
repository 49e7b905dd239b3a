"""Versions of one picture, measured against the original and shown beside each other on a page."""
