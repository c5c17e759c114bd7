"""Bad input: valid files of every reader, broken at random by seed, and what the readers make of them."""
