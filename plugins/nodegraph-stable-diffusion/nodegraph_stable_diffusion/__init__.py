"""Stable Diffusion 1.x for Nodegraph: its networks as denoisers of latents, its VAE between latents and pixels."""
