"""Test equipment for tests, benchmarks and extensions: table factories, a fake judge, stub and real servers, a browser."""
