"""Read only: what engineers look at. View models, pages, and the summary of a replay."""
