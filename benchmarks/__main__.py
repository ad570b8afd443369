"""Run all benchmarks: ``python -m benchmarks``."""

from benchmarks import drawing, extraction, store

if __name__ == "__main__":
    store.main([])
    drawing.main([])
    extraction.main([])
