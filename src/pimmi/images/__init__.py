"""Image files: found in a folder, identified by their content, decoded to small upright grey arrays."""
