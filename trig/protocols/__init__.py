"""What a backend must do, by role. The library talks to these and never to a model's own library."""
