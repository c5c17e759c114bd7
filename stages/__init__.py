"""One thin program per stage: paths in, paths out."""

from trig.run import compiled, garbage

compiled.spare()
garbage.seldom()
