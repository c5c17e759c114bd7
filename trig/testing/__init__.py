"""Test equipment, for the tests, the benchmarks and whoever extends TRIG: tables, judges and servers that stand in, real servers and browsers."""
