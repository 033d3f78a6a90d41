"""Decoders from what arrives (collector lines, labels, Arrow) to Arrow tables. No I/O."""
