"""The model of a drill: the files of a version, and how one is made."""
