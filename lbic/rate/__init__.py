"""The encoder chooses: quality and scale for a wanted size or fidelity."""
