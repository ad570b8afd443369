"""Run the benchmarks that need only this checkout and some minutes: ``python -m benchmarks``.

Not included: `cohort` draws hundreds of slides, `pipeline` runs the whole study, and `privacy_rates` needs
the patches of a study with more non-members than the default one.
"""

import sys

from benchmarks import classifier_training, correlation, drawing, extraction, gan_training, store

if __name__ == "__main__":
    for benchmark in (store, drawing, extraction, gan_training, classifier_training, correlation):
        print(benchmark.__name__, file=sys.stderr)
        benchmark.main([])
