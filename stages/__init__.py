"""The pipeline's stages: each reads its settings, opens a tracking run, and makes one call into pathgen."""

import os

# Idle threads of torch sleep and do not spin. Next to other busy processes, spinning slowed a training on
# four threads thirteenfold (27 against 350 images/s). torch reads this when it loads, so it is set before.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
