"""The `trig` command-line interface: a file per command."""

from trig.run import compiled, garbage

compiled.spare()
garbage.seldom()
