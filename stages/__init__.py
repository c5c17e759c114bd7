"""One thin program per stage: paths in, paths out."""

from trig.run import compiled, garbage
from trig.run.handover import hand_over

compiled.spare()
garbage.seldom()
hand_over()
