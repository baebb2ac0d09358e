"""`python -m sphynx_trainer`."""

import sys

from .cli.program import main

sys.exit(main())
