#!/usr/bin/env python
"""A script of the project: prints its arguments and what its environment says."""

import os
import sys

print("report", *sys.argv[1:], "for", os.environ["COLOUR"])
