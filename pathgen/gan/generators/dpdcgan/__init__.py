"""DCGAN with differential privacy: its discriminator is trained by DP-SGD."""
