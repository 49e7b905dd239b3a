"""Measuring: what codecs, scales and enhancement types cost and give over a set of pictures."""
