"""Run independent jobs (a slide, a training) in parallel, and keep the finished result of each."""
