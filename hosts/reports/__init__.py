"""Reports of a window beside its reference: rows prepared by the daemon, drawn here or in a job."""
