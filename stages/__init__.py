"""The pipeline's stages: each reads its settings, opens a tracking run, and makes one call into pathgen."""

import gc
import os
import sys

# Idle threads of torch shall sleep, not spin: beside other busy processes spinning slowed a training on four
# threads thirteenfold (27 against 350 images/s). It is read when torch loads, so it is set before.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Loading torch and MLflow makes a million objects and no garbage: a stage starts a fifth faster without
# collecting. `stages.context` sets them aside and turns the collector on again.
gc.disable()

# Where DVC has started `python -m stages.x`: "-m" is Python's mark of a package that it loads on the way to
# the module to run.
if sys.argv[0] == "-m" and "DVC_STAGE" in os.environ:
    from stages.handover import hand_over

    hand_over()
