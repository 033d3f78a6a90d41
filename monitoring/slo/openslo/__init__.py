"""OpenSLO v1 documents: read whole, or refused with every faulty line.

`documents.read` is the way in. The specification is https://github.com/OpenSLO/OpenSLO; how it is
read where it is open is in docs/slo.md.
"""
