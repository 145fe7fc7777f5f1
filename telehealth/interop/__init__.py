"""Translation between wire formats and the model, without I/O."""
