"""The tests; a package, because an installed package called tests would hide a plain folder."""
