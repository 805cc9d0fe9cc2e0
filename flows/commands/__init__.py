"""Commands of `mve` that write or import documents, one idea a file; `flows.cli` offers them."""
