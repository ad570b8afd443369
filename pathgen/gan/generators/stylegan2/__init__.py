"""StyleGAN2 from its papers, in plain PyTorch: networks, regularisation, and one training step."""
