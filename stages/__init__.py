"""One thin program per stage: paths in, paths out."""

from trig.run import compiled, garbage

compiled.spare()
garbage.seldom()

from trig.run.handover import hand_over  # noqa: E402 - not before it is known whether its compiled file has room

hand_over()
