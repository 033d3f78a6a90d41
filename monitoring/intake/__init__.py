"""Decoders of incoming data (collector lines, labels, Arrow) to Arrow tables. No I/O."""
