"""The mathematics of diffusion: tensors in, tensors out. No node and no engine is known here."""
