#!/usr/bin/env python
"""A script of the project that fails, and says why on its standard error."""

import sys

print("the till is empty", file=sys.stderr)
sys.exit(3)
