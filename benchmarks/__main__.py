"""Run all benchmarks: ``python -m benchmarks``."""

from benchmarks import classifier_training, correlation, drawing, extraction, gan_training, store

if __name__ == "__main__":
    store.main([])
    drawing.main([])
    extraction.main([])
    gan_training.main([])
    classifier_training.main([])
    correlation.main([])
