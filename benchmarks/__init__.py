"""The measurements behind docs/benchmark.md: ``python -m benchmarks SECTION --kodak DIR``."""
