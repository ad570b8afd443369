"""Run all benchmarks: ``python -m benchmarks``."""

from benchmarks import store

if __name__ == "__main__":
    store.main([])
