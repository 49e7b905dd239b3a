"""Picture quality, one metric a file; each says in its docstring how it is defined."""
