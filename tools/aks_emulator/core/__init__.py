"""What the emulated Azure knows and decides. Pure but for `journal` and `azure`; knows no HTTP."""
