"""What trainings of generators and classifiers share: device, augmentation, exact resume."""
