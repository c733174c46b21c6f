"""Benchmarks: one module a question. `python -m bench` asks them all; see README.md."""
