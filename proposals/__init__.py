"""What a proposal is: document -> spec -> criteria -> verdict. Pure; no I/O beyond reading a file; no torch.

The proposals themselves (`NNN-slug.md`, or `NNN-slug/proposal.md` with files of its own) lie beside this code.
"""
