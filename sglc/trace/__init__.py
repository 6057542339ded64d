"""Python function -> Graph: the body runs on symbolic text, path by path, and what it recorded is confirmed."""
