"""Run all benchmarks: ``python -m benchmarks``."""

from benchmarks import drawing, extraction, gan_training, store

if __name__ == "__main__":
    store.main([])
    drawing.main([])
    extraction.main([])
    gan_training.main([])
