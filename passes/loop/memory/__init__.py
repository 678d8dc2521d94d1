"""Static memory planning: how long buffers live, and where each lies."""
