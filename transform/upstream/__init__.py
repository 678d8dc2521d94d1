"""The operations of upstream's `transform` dialect, with upstream's spelling and meaning."""
