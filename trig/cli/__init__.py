"""The `trig` command-line interface: a file per command."""
