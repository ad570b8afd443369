"""Run the benchmarks that need only this checkout and some minutes: ``python -m benchmarks``.

Not included: `cohort` makes hundreds of slides, `pipeline` runs the whole study, and `privacy_rates` needs
the patches of a study with more non-members than the default one.
"""

from benchmarks import classifier_training, correlation, drawing, extraction, gan_training, store

if __name__ == "__main__":
    store.main([])
    drawing.main([])
    extraction.main([])
    gan_training.main([])
    classifier_training.main([])
    correlation.main([])
