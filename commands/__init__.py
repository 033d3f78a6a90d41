"""The commands of the command line: their options, and one module or package for each."""
