"""Tables on disk, read column by column."""
