"""The `trig` command-line interface: a file per command."""

from trig.run import compiled

compiled.spare()
