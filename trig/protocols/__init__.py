"""Backend interfaces (Protocols), by role. The library uses these and never a model's own library."""
