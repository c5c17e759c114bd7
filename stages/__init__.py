"""One thin program per stage: paths in, paths out."""
