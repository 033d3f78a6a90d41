"""The kinds of journal line, by subject; `line` writes and reads them."""
