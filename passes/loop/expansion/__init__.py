"""The parts of `loop-expand`: what is known before the walk, the partial environment, emission, block bodies."""
