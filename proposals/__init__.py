"""What a proposal is: document -> spec -> criteria -> verdict. Pure; no I/O beyond reading a file; no torch.

The proposals themselves (`NNN-slug.md`) lie beside this code.
"""
